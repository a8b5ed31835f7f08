// Nonlinear members in reduced bases: against time windows, in every lane, from threads, without allocating.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "stlfast/io.hpp"
#include "stlfast/nonlinear_sweep.hpp"
#include "stlfast/windows.hpp"

using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

const LoadedNonlinearModel& duffing() {
    static const auto loaded = load_nonlinear(STLFAST_MODELS "duffing.safetensors");
    return loaded;
}

// The solution's values on windows at x (N, n).
MatrixXd on_windows(const Family& family, const VectorXd& p, const VectorXd& y0, const VectorXd& x) {
    const Equations equations(family);
    RightHandSide f(equations, p);
    WindowOptions options;
    options.tolerance = 1e-11, options.floor = VectorXd::Constant(family.n, 1e-14);
    const Windows windows;
    MatrixXd y(x.size(), family.n);
    windows.evaluate(windows.solve(f, y0, 0, 1, options), x, y);
    return y;
}

TEST(Nonlinear, AgreesWithTimeWindows) {
    for (const char* name : {"duffing", "robertson"}) {
        const auto loaded = load_nonlinear(std::string(STLFAST_MODELS) + name + ".safetensors");
        const auto& model = *loaded.model;
        NonlinearModel::Workspace workspace;
        Answer answer;
        const VectorXd x = VectorXd::LinSpaced(100, 0, 1);
        MatrixXd y(100, model.family().n);
        for (const double share : {0.2, 0.5, 0.9}) {
            const VectorXd p = loaded.low + share * (loaded.high - loaded.low);
            const NonlinearModel::Query query{p.data(), loaded.y0.data()};
            model.solve(&query, 1, model.band_of(p.data()), {}, &answer, workspace);
            EXPECT_TRUE(answer.newton.converged);
            EXPECT_TRUE(answer.within);
            model.evaluate(answer, x, y);
            const MatrixXd expected = on_windows(model.family(), p, loaded.y0, x);
            const auto error = (y - expected).cwiseAbs().colwise().maxCoeff().transpose();
            EXPECT_TRUE((error.array() <= 1e-6 * expected.cwiseAbs().colwise().maxCoeff().transpose().array()).all());
            EXPECT_TRUE((error.array() <= 10 * answer.bound.array() + 1e-10).all());
        }
    }
}

TEST(Nonlinear, ALaneDoesNotDependOnItsNeighbours) {
    const auto& model = *duffing().model;
    NonlinearModel::Workspace workspace;
    const VectorXd p[4] = {Eigen::Vector2d(300, 0.5), Eigen::Vector2d(400, 0), Eigen::Vector2d(900, 1),
                           Eigen::Vector2d(300, 0.5)};
    const VectorXd y0[4] = {Eigen::Vector2d(3, 2), Eigen::Vector2d(0, 0), Eigen::Vector2d(1, -1),
                            Eigen::Vector2d(2, 0.1)};
    NonlinearModel::Query queries[4];
    for (int l = 0; l < 4; ++l) queries[l] = {p[l].data(), y0[l].data()};
    const Index band = model.band_of(p[0].data());
    Answer together[4], alone;
    model.solve(queries, 4, band, {}, together, workspace);
    for (int l = 0; l < 4; ++l) {
        model.solve(queries + l, 1, band, {}, &alone, workspace);
        EXPECT_TRUE(alone.newton.converged);
        EXPECT_EQ(alone.c.head(10), together[l].c.head(10));
        EXPECT_EQ(alone.bound, together[l].bound);
        EXPECT_EQ(alone.newton.iterations, together[l].newton.iterations);
    }
}

TEST(Nonlinear, AllocatesNothingAfterTheFirstSolves) {
    const auto& loaded = duffing();
    NonlinearModel::Workspace workspace;
    Answer answer;
    MatrixXd y(loaded.model->output().x().size(), 2);
    for (const bool guarded : {false, true}) {
        Eigen::internal::set_is_malloc_allowed(!guarded);
        for (const double alpha : {5.0, 12.0, 75.0, 1000.0}) {
            const double p[2] = {alpha, 0.5};
            const NonlinearModel::Query query{p, loaded.y0.data()};
            loaded.model->solve(&query, 1, loaded.model->band_of(p), {}, &answer, workspace);
            loaded.model->output().evaluate(answer, y);
        }
        Eigen::internal::set_is_malloc_allowed(true);
    }
    EXPECT_TRUE(answer.within);
}

TEST(Nonlinear, AnInitialValueThatNoFunctionLiftsDoesNotConverge) {
    const auto loaded = load_nonlinear(STLFAST_MODELS "robertson.safetensors");
    const double p[3] = {0.04, 3e7, 1e4}, y0[3] = {0.9, 0, 0.1};
    NonlinearModel::Workspace workspace;
    Answer answer;
    const NonlinearModel::Query query{p, y0};
    loaded.model->solve(&query, 1, loaded.model->band_of(p), {}, &answer, workspace);
    EXPECT_FALSE(answer.newton.converged);
    EXPECT_FALSE(answer.within);
}

TEST(Nonlinear, NoBandHasParametersOutside) {
    const double p[2] = {1001, 0.5};
    EXPECT_EQ(duffing().model->band_of(p), -1);
}

TEST(Nonlinear, FilesOfLinearFamiliesAreNamedAsSuch) {
    const auto message = [](const auto& load, const std::string& name) -> std::string {
        try {
            load(STLFAST_MODELS + name + ".safetensors");
        } catch (const FileError& error) {
            return error.what();
        }
        return {};
    };
    EXPECT_NE(message(load_nonlinear, "dho").find("the family is linear: use stlfast::load"), std::string::npos);
    EXPECT_NE(message(load, "duffing").find("the family is nonlinear: use load_nonlinear"), std::string::npos);
}

TEST(Nonlinear, BandsThatDoNotFitAreRefused) {
    const auto& model = *duffing().model;
    const auto band = [&] {
        NonlinearBand b{model.bands()[0], VectorXd::Zero(1), Eigen::VectorXi::Zero(1), Eigen::MatrixXi::Zero(1, 4),
                        MatrixXd::Zero(1, 1)};
        b.functions.coefficients = MatrixXd::Ones(3, 8);
        return b;
    };
    const auto refused = [&](NonlinearBand b) {
        EXPECT_THROW(NonlinearModel(model.family(), model.starts(), {std::move(b)}, 0), std::invalid_argument);
    };
    auto b = band();
    b.equation[0] = 2;
    refused(b);
    b = band(), b.x[0] = 1.5;
    refused(b);
    b = band(), b.functions.coefficients.resize(3, 7);
    refused(b);
    b = band(), b.powers = Eigen::MatrixXi::Constant(1, 4, -1);
    refused(b);
    b = band(), b.guess.resize(1, 2);
    refused(b);
    b = band(), b.functions.low.resize(1);
    refused(b);
    b = band(), b.functions.low[0] = 1;  // below the solve range
    refused(b);
    b = band(), b.functions.tau = 0;
    refused(b);
    b = band(), b.functions.coefficients.resize(Index(1) << 60, 0);
    refused(b);
    EXPECT_THROW(NonlinearModel(model.family(), model.starts(), {band()}, Index(1) << 60), std::invalid_argument);
}

}  // namespace
