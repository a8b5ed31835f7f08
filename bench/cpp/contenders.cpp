#include "contenders.hpp"

#include <memory>
#include <stlfast/windows.hpp>

#include "arkode.hpp"
#include "cvode.hpp"
#include "dopri5.hpp"

namespace bench {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double first_window = 1e-2;  // as in Python

bool always() { return true; }
bool with_boost() { return boost_version() != nullptr; }
bool with_sundials() { return Cvode::version() != nullptr; }

template <class Model>
void evaluate(const Model& model, const stlfast::Answer& answer, const VectorXd& x, MatrixXd& y) {
    if (x.size() == model.output().x().size())
        model.output().evaluate(answer, y);
    else
        model.evaluate(answer, x, y);
}

Solve bind_compiled(const Shipped& shipped, const Member& member, const Truth&) {
    if (std::visit([](const auto& loaded) { return loaded.model->bands().empty(); }, shipped.file)) return {};
    const VectorXd p = shipped.parameters(member);
    if (const auto* linear = std::get_if<stlfast::LoadedModel>(&shipped.file)) {
        struct Kept {
            stlfast::Data data;
            stlfast::Answer answer;
            stlfast::Model::Workspace workspace;
        };
        const auto kept = std::make_shared<Kept>();
        kept->data.y0 = linear->y0;
        return [&model = *linear->model, kept, p](double, const Times& times, MatrixXd& y, About& about) {
            model.solve(p, kept->data, {}, kept->answer, kept->workspace);
            evaluate(model, kept->answer, times.x, y);
            about.bound = kept->answer.bound;
            return true;
        };
    }
    struct Kept {
        stlfast::Answer answer;
        stlfast::NonlinearModel::Workspace workspace;
    };
    const auto& nonlinear = std::get<stlfast::LoadedNonlinearModel>(shipped.file);
    return [&model = *nonlinear.model, &y0 = nonlinear.y0, kept = std::make_shared<Kept>(), p](
               double, const Times& times, MatrixXd& y, About& about) {
        const auto band = model.band_of(p.data());
        if (band < 0) return false;
        const stlfast::NonlinearModel::Query query{p.data(), y0.data()};
        model.solve(&query, 1, band, {}, &kept->answer, kept->workspace);
        evaluate(model, kept->answer, times.x, y);
        about.bound = kept->answer.bound;
        return kept->answer.newton.converged;
    };
}

template <bool estimate>
Solve bind_direct(const Shipped& shipped, const Member& member, const Truth& truth) {
    struct Kept {
        stlfast::Windows windows;
        stlfast::Equations equations;
    };
    const auto kept = std::make_shared<Kept>(Kept{{}, stlfast::Equations(shipped.family())});
    stlfast::WindowOptions options;
    options.floor = VectorXd::Constant(shipped.family().n, truth.smallest());
    options.first = first_window, options.estimate = estimate;
    return [kept, p = shipped.parameters(member), &y0 = shipped.about().y0, options](
               double tolerance, const Times& times, MatrixXd& y, About& about) {
        stlfast::RightHandSide f(kept->equations, p);
        auto solution = stlfast::refined(kept->windows, f, y0, 0, 1, options, tolerance).solution;
        if (!solution.finished) return false;
        kept->windows.evaluate(solution, times.x, y);
        about.steps = solution.edges.size() - 1;
        about.bound = std::move(solution.error);
        return true;
    };
}

// solve(rtol, atol, t, N, y) gives the number of steps, as bench::dopri5.
template <class Function>
Solve stepping(const Truth& truth, Function solve) {
    return [smallest = truth.smallest(), solve](double tolerance, const Times& times, MatrixXd& y, About& about) {
        about.steps = solve(tolerance, tolerance * smallest, times.t.data(), times.t.size(), y.data());
        return 0 <= about.steps && about.steps <= most_steps;
    };
}

Solve bind_dopri5(const Shipped& shipped, const Member& member, const Truth& truth) {
    return stepping(truth,
                    [&y0 = shipped.about().y0, member](double rtol, double atol, const double* t, long N, double* y) {
                        return dopri5(member, y0.data(), rtol, atol, t, N, most_steps, y);
                    });
}

Solve bind_cvode(const Shipped& shipped, const Member& member, const Truth& truth) {
    const auto cvode = std::make_shared<Cvode>(states(member.equations));
    return stepping(
        truth, [&y0 = shipped.about().y0, member, cvode](double rtol, double atol, const double* t, long N, double* y) {
            return cvode->solve(member, y0.data(), rtol, atol, t, N, y) ? cvode->steps() : -1;
        });
}

template <Arkode::Method method>
Solve bind_arkode(const Shipped& shipped, const Member& member, const Truth& truth) {
    const auto arkode = std::make_shared<Arkode>(method, member.equations);
    return stepping(truth, [&y0 = shipped.about().y0, member, arkode](double rtol, double atol, const double* t, long N,
                                                                      double* y) {
        return arkode->solve(member, y0.data(), rtol, atol, t, N, most_steps, y);
    });
}

}  // namespace

const std::vector<Contender> contenders = {
    {"compiled model", false, always, bind_compiled},
    {"direct solver", true, always, bind_direct<true>},
    {"direct solver, no estimate", true, always, bind_direct<false>},
    {"CVODE BDF", true, with_sundials, bind_cvode},
    {"ARKODE Kvaerno 5", true, with_sundials, bind_arkode<Arkode::Method::kvaerno>},
    {"ARKODE Dormand-Prince 5", true, with_sundials, bind_arkode<Arkode::Method::dormand_prince>},
    {"Boost.Odeint dopri5", true, with_boost, bind_dopri5},
};

}  // namespace bench
