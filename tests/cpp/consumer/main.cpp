#include <cstdio>
#include <stlfast/io.hpp>

int main(int, char** arguments) {
    const auto loaded = stlfast::load(arguments[1]);  // a model file: "dho.safetensors"
    const auto parameters = loaded.parameters({{"alpha", 75.0}});
    stlfast::BandOperators::Workspace workspace;
    Eigen::MatrixXd y(loaded.model->output_grid().size(), 2);  // (512 times, n states)
    for (int k = 0; k < 1000; ++k) {
        const Eigen::VectorXd y0 = Eigen::Vector2d(1.0, k / 1000.0);
        loaded.model->evaluate_grid(loaded.model->solve(parameters, {y0}, false, true, {}, workspace), y);
    }
    std::printf("%.17g %.17g\n", y.bottomRows<1>()[0], y.bottomRows<1>()[1]);
}
