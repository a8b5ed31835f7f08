#include "stlfast/snapshots.hpp"

#include <algorithm>
#include <complex>

#include "stlfast/schur.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using Eigen::VectorXcd;
using Eigen::VectorXd;

namespace {

constexpr std::size_t most_modes = 96;

Snapshots solve_coupled(const Model& model, const MatrixXd& members) {
    const FullSpace& space = model.full_space();
    const Family& family = model.family();
    const VectorXd& x = model.grids().collocation.x;
    const bool forced = model.modes().size() > 0;
    const Index n = family.n, each = n + forced;
    Snapshots result{n, MatrixXd(model.dictionary().size(), members.rows() * each * n), {}};
    const MatrixXd none = MatrixXd::Zero(x.size(), n);
    MatrixXd last_A;
    FullSpace::Member member;
    std::vector<MatrixXd> unit;
    for (Index s = 0, column = 0; s < members.rows(); ++s) {
        const VectorXd p = from_box_coordinates(family, members.row(s).transpose());
        MatrixXd A = system_matrix(family, p, x);
        if (s == 0 || A.rows() != last_A.rows() || A != last_A) {  // many members differ in their forcing alone
            member = space.factor(A);
            last_A = std::move(A);
            unit.clear();
            for (Index j = 0; j < n; ++j) unit.push_back(member.solve(VectorXd::Unit(n, j), none));
        }
        for (Index j = 0; j < n; ++j, column += n)
            result.heads.middleCols(column, n) = unit[static_cast<std::size_t>(j)];
        if (forced) {
            result.heads.middleCols(column, n) = member.solve(VectorXd::Zero(n), forcing(family, p, x));
            column += n;
        }
        result.owner.insert(result.owner.end(), static_cast<std::size_t>(each), s);
    }
    return result;
}

struct Mode {
    Index member;
    std::complex<double> rate;
    VectorXcd left;  // (n) Schur vector, which the member's forcing is projected on
};

// Of all modes, in the order of their decay, evenly spread ones.
std::vector<Mode> chosen_modes(const Family& family, const MatrixXd& members) {
    std::vector<Mode> all;
    Schur schur;
    for (Index s = 0; s < members.rows(); ++s) {
        const VectorXd p = from_box_coordinates(family, members.row(s).transpose());
        schur.compute(system_matrix(family, p, VectorXd::Zero(1)).reshaped(), family.n);
        for (Index k = 0; k < family.n; ++k) all.push_back({s, schur.T()(k, k), schur.Q().col(k)});
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Mode& a, const Mode& b) { return a.rate.real() < b.rate.real(); });
    if (all.size() <= most_modes) return all;
    std::vector<Mode> chosen;
    for (std::size_t k = 0; k < most_modes; ++k) chosen.push_back(all[k * (all.size() - 1) / (most_modes - 1)]);
    return chosen;
}

Snapshots solve_decoupled(const Model& model, const MatrixXd& members) {
    const DecoupledSpace& space = model.decoupled_space();
    const Family& family = model.family();
    const VectorXd& x = model.grids().collocation.x;
    Snapshots result{1, {}, {}};
    std::vector<VectorXd> heads;
    const auto keep = [&](const VectorXcd& W, Index member) {
        for (const VectorXd& part : {VectorXd(W.real()), VectorXd(W.imag())}) {
            if (part.isZero(0)) continue;
            heads.push_back(part);
            result.owner.push_back(member);
        }
    };
    for (const Mode& mode : chosen_modes(family, members)) {
        const auto equation = space.factor(mode.rate);
        keep(equation.solve(1, VectorXcd::Zero(x.size())), mode.member);
        if (model.modes().size() == 0) continue;
        const VectorXd p = from_box_coordinates(family, members.row(mode.member).transpose());
        keep(equation.solve(0, forcing(family, p, x) * mode.left.conjugate()), mode.member);
    }
    result.heads.resize(model.dictionary().size(), static_cast<Index>(heads.size()));
    for (std::size_t k = 0; k < heads.size(); ++k) result.heads.col(static_cast<Index>(k)) = heads[k];
    return result;
}

}  // namespace

std::vector<Data> unit_data(const Model& model) {
    const Index n = model.family().n;
    const bool forced = model.modes().size() > 0;
    std::vector<Data> data(static_cast<std::size_t>(n + forced), {VectorXd::Zero(n), false, {}});
    for (Index j = 0; j < n; ++j) data[static_cast<std::size_t>(j)].y0[j] = 1;
    if (forced) data.back().own_forcing = true;
    return data;
}

Snapshots solve_members(const Model& model, const MatrixXd& members) {
    return model.options().decoupled ? solve_decoupled(model, members) : solve_coupled(model, members);
}

}  // namespace STLFAST_NAMESPACE
