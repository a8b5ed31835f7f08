#include <cstdio>
#include <cstdlib>
#include <map>
#include <stlfast/io.hpp>
#include <string>

int main(int count, char** arguments) {  // a model file, then the parameters: enzyme.safetensors k 3.0 w 0.5
    const auto loaded = stlfast::load_windows(arguments[1]);
    std::map<std::string, double> named;
    for (int k = 2; k + 1 < count; k += 2) named[arguments[k]] = std::strtod(arguments[k + 1], nullptr);
    const Eigen::VectorXd parameters = loaded.parameters(named), y0 = loaded.model->start(parameters);
    const auto found = loaded.model->solve(parameters, y0, {1e-6, 1e-8});  // missed: the estimate over the tolerance
    std::printf("%d %d", found.solution.compiled, found.solution.finished && found.missed <= 1);
    Eigen::MatrixXd y(3, y0.size());                                         // times × states
    loaded.model->evaluate(found.solution, Eigen::Vector3d(0, 0.55, 1), y);  // at parts of the time span
    for (const double value : y.reshaped()) std::printf(" %.17g", value);
}
