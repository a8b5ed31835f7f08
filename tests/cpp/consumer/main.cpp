#include <cstdio>
#include <stlfast/io.hpp>

int main(int, char** arguments) {
    const auto loaded = stlfast::load(arguments[1]);  // a model file: "dho.safetensors"
    const auto fixed = loaded.at({{"alpha", 75.0}});  // all that depends on alpha is done here
    stlfast::Answer answer;
    stlfast::Member::Workspace workspace;  // one for each thread
    Eigen::MatrixXd y(512, 2);             // times × states
    for (int k = 0; k < 1000; ++k) fixed.solve(Eigen::Vector2d(1.0, k / 1000.0), y, answer, workspace);
    std::printf("%.17g %.17g %d\n", y(511, 0), y(511, 1), answer.within);  // at the end; whether the bound is met
}
