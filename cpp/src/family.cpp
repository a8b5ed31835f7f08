#include "stlfast/family.hpp"

#include <sstream>
#include <stdexcept>
#include <string>

namespace STLFAST_NAMESPACE {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

void check(const Program& program, const char* name, Eigen::Index n_inputs, Eigen::Index n_outputs,
           Eigen::Index varying = 1) {
    if (program.varying() != varying)
        throw std::invalid_argument("Family: program " + std::string(name) + " has " +
                                    std::to_string(program.varying()) + " varying inputs, expected " +
                                    std::to_string(varying));
    if (program.n_inputs() != n_inputs || program.n_outputs() != n_outputs)
        throw std::invalid_argument("Family: program " + std::string(name) + " has " +
                                    std::to_string(program.n_inputs()) + " inputs and " +
                                    std::to_string(program.n_outputs()) + " outputs, expected " +
                                    std::to_string(n_inputs) + " and " + std::to_string(n_outputs));
}

void check_finite(const MatrixXd& values, const char* what, const VectorXd& parameters, const VectorXd& x) {
    for (Eigen::Index q = 0; q < values.rows(); ++q) {
        if (values.row(q).allFinite()) continue;
        std::ostringstream message;
        message << what << " is not finite at the scaled time x = " << x[q] << " for the parameters ("
                << parameters.transpose() << "): narrow the ranges or t_span to where the equations make sense";
        throw std::domain_error(message.str());
    }
}

}  // namespace

void Family::validate() const {
    const auto inputs = n_parameters() + 1;
    if (n < 1) throw std::invalid_argument("Family: n is " + std::to_string(n) + ", expected at least 1");
    check(A, "A", inputs, n * n);
    check(b, "b", inputs, n);
    if (theta.has_value() != parts.has_value())
        throw std::invalid_argument("Family: theta and parts must come together");
    if (separable()) {
        check(*theta, "theta", inputs, theta->n_outputs());
        check(*parts, "parts", inputs, theta->n_outputs() * n * n);
    }
    if (N.has_value() != J.has_value()) throw std::invalid_argument("Family: N and J must come together");
    if (nonlinear()) {
        check(*N, "N", inputs + n, n, 1 + n);
        check(*J, "J", inputs + n, n * n, 1 + n);
    }
    if (switches) check(*switches, "switches", inputs + n, switches->n_outputs(), 1 + n);
    const Eigen::Index known = switches ? switches->n_outputs() : 0;
    for (const auto* each : {&A, &b, N ? &*N : nullptr, J ? &*J : nullptr, switches ? &*switches : nullptr})
        if (each != nullptr && each->n_switches() > known)
            throw std::invalid_argument("Family: a step has the number " + std::to_string(each->n_switches() - 1) +
                                        ", and there are " + std::to_string(known) + " switches");
    if (high.size() != low.size() || !low.allFinite() || !high.allFinite() || (low.array() > high.array()).any())
        throw std::invalid_argument("Family: low and high must be finite, of one length, with low <= high");
    if (stiffness < -1 || stiffness >= n_parameters())
        throw std::invalid_argument("Family: stiffness is " + std::to_string(stiffness) + ", expected −1 … " +
                                    std::to_string(n_parameters() - 1));
}

MatrixXd system_matrix(const Family& family, const VectorXd& parameters, const VectorXd& x) {
    Program::Workspace workspace;
    MatrixXd A(family.A.varies() ? x.size() : 1, family.n * family.n);
    family.A.evaluate(x.head(A.rows()), parameters, A, workspace);
    check_finite(A, "the system matrix", parameters, x);
    return A;
}

MatrixXd forcing(const Family& family, const VectorXd& parameters, const VectorXd& x) {
    Program::Workspace workspace;
    MatrixXd b(x.size(), family.n);
    family.b.evaluate(x, parameters, b, workspace);
    check_finite(b, "the forcing", parameters, x);
    return b;
}

}  // namespace STLFAST_NAMESPACE
