// Compiled families of PDEs: against the exact solution by characteristics, from threads, without allocating.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "stlfast/field_io.hpp"
#include "stlfast/field_sweep.hpp"

using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

using RowMajorMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

const LoadedFieldModel& advection() {
    static const auto loaded = load_fields(STLFAST_MODELS "advection_reaction.safetensors");
    return loaded;
}

// u_t + u_x = alpha [[−1, ½], [1, −½]] u from two humps: e^{Rt} g(x − t), whose slow and fast parts are known.
Eigen::Vector2d exact(double alpha, double x, double t) {
    const double at = x - t, g0 = 1 + 0.5 * std::exp(-at * at / 0.1), g1 = 0.5 + 0.2 * at;
    const double slow = (g0 + g1) / 3, fast = (2 * g0 - g1) / 3 * std::exp(-1.5 * alpha * t);
    return {slow + fast, 2 * slow - fast};
}

RowMajorMatrix data_of(double alpha) {
    const auto& points = advection().data_points;
    RowMajorMatrix data(2, points.rows());
    for (Index k = 0; k < points.rows(); ++k) data.col(k) = exact(alpha, points(k, 0), points(k, 1));
    return data;
}

TEST(Fields, AgreeWithCharacteristics) {
    const auto& model = *advection().model;
    EXPECT_EQ(advection().fields, (std::vector<std::string>{"u1", "u2"}));
    const MatrixXd z = VectorXd::LinSpaced(40, 0, 1);
    VectorXd t(40);
    for (Index k = 0; k < 40; ++k) t[k] = std::pow(10.0, -4 + 4 * double(k) / 39);
    const FieldTable table(model, z, t);
    FieldModel::Workspace workspace;
    FieldModel::Member member;
    FieldModel::FieldAnswer answer;
    VectorXd u(2 * 40 * 40);
    for (const double alpha : {5.0, 60.0, 1000.0}) {
        model.factor(&alpha, member, workspace);
        model.solve(member, data_of(alpha).data(), true, {1e-2, 1e-6}, answer, workspace);
        table.evaluate(answer, u.data(), workspace);
        double error = 0;
        for (Index i = 0; i < 40; ++i)
            for (Index k = 0; k < 40; ++k) {
                const auto truth = exact(alpha, z(i, 0), t[k]);
                for (Index f = 0; f < 2; ++f) error = std::max(error, std::abs(u[(f * 40 + i) * 40 + k] - truth[f]));
            }
        EXPECT_LE(error, 5e-4);
        EXPECT_LE(error, 2 * answer.estimate.maxCoeff());
        EXPECT_TRUE(answer.within);
    }
}

TEST(Fields, ASolveAllocatesNothing) {
    const auto& model = *advection().model;
    const FieldTable table(model, VectorXd::LinSpaced(30, 0, 1), VectorXd::LinSpaced(30, 0, 1));
    FieldModel::Workspace workspace;
    FieldModel::Member member;
    FieldModel::FieldAnswer answer;
    VectorXd u(2 * 30 * 30);
    const double alpha = 100;
    const RowMajorMatrix data = data_of(alpha);
    for (const bool guarded : {false, true}) {
        Eigen::internal::set_is_malloc_allowed(!guarded);
        model.solve(member.bands.empty() ? (model.factor(&alpha, member, workspace), member) : member, data.data(),
                    true, {}, answer, workspace);
        Eigen::internal::set_is_malloc_allowed(true);
        table.evaluate(answer, u.data(), workspace);
    }
    EXPECT_TRUE(u.allFinite());
}

TEST(Fields, ThreadsDoNotChangeResults) {
    const auto& model = *advection().model;
    const FieldTable table(model, VectorXd::LinSpaced(7, 0, 1), VectorXd::LinSpaced(5, 0, 1));
    const Index B = 50, size = 2 * 7 * 5;
    VectorXd alphas(B);
    for (Index k = 0; k < B; ++k) alphas[k] = std::pow(10.0, 3.0 * double(k) / double(B - 1));
    const RowMajorMatrix data = data_of(30);
    VectorXd first(B * size), second(B * size), bounds(2 * B);
    const auto success = std::make_unique<bool[]>(std::size_t(B));
    const FieldQueries queries{B, alphas.data(), true, data.data(), false};
    for (const int threads : {1, 3})
        solve_many(model, table, queries, {true, {}, threads},
                   {(threads == 1 ? first : second).data(), success.get(), bounds.data()}, {});
    EXPECT_EQ(first, second);
    EXPECT_THROW(solve_many(model, table, queries, {true, {}, 0}, {first.data(), success.get(), bounds.data()}, {}),
                 std::invalid_argument);
}

TEST(Fields, WrongNumbersAreRefused) {
    const auto& model = *advection().model;
    FieldModel::Workspace workspace;
    FieldModel::Member member;
    const double alpha = 1e6;
    EXPECT_THROW(model.factor(&alpha, member, workspace), std::out_of_range);
    EXPECT_THROW(FieldTable(model, MatrixXd::Constant(1, 1, 2.0), VectorXd::Zero(1)), std::invalid_argument);
    EXPECT_THROW(load_fields(STLFAST_MODELS "dho.safetensors"), FileError);
    EXPECT_THROW(load_fields("nowhere.safetensors"), FileError);
}

TEST(Fields, SizesThatOverflowAndTablesWithoutRowsAreRefused) {
    using Definition = FieldModel::Definition;
    const auto expect_refused = [](const std::function<void(Definition&)>& change) {
        Definition definition = advection().model->definition();
        change(definition);
        EXPECT_THROW(FieldModel(std::move(definition)), std::invalid_argument);
    };
    expect_refused([](Definition& d) { d.points.check_spaces = Index(1) << 62; });
    expect_refused([](Definition& d) { d.axes.assign(2, {false, Index(1) << 32}); });  // 0 functions in 64 bits
    expect_refused([](Definition& d) { d.groups[0].bands[0].time.resize(0, 0); });
    expect_refused([](Definition& d) {
        FieldBand& band = d.groups[0].bands[0];
        band.time.resize(0, 0), band.core.resize(0, band.core.cols());
    });
    expect_refused([](Definition& d) { d.points.check_times.reverseInPlace(); });
}

}  // namespace
