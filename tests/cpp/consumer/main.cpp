#include <cstdio>
#include <stlfast/dictionary.hpp>

int main() {
    const auto dictionary = stlfast::Dictionary::chebyshev(5, stlfast::InputMap("log"));
    Eigen::MatrixXd H;
    dictionary.evaluate(Eigen::VectorXd::Ones(1), H);
    std::printf("%g\n", H.sum());  // T_k(1) = 1
    return H.sum() == 5.0 ? 0 : 1;
}
