#include "stlfast/field_dictionary.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "stlfast/chebyshev.hpp"
#include "stlfast/dictionary.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::MatrixXd;

FieldDictionary FieldDictionary::from_body(FieldBody body, std::vector<double> dilations, bool constant) {
    check_dilations(dilations, body.activation());
    return FieldDictionary(Dilated{std::move(body), std::move(dilations), constant});
}

FieldDictionary FieldDictionary::tensor(std::vector<Axis> axes) {
    if (axes.empty()) throw std::invalid_argument("axes is empty, expected one for each coordinate with time the last");
    for (const auto& axis : axes)
        if (axis.functions < 1)
            throw std::invalid_argument("an axis has " + std::to_string(axis.functions) +
                                        " functions, expected at least 1");
    if (axes.back().periodic)
        throw std::invalid_argument("time, the last axis, is periodic: expand it in Chebyshev polynomials");
    return FieldDictionary(std::move(axes));
}

Index FieldDictionary::size() const {
    if (const auto* dilated = std::get_if<Dilated>(&functions_))
        return Index(dilated->dilations.size()) * dilated->body.width() + (dilated->constant ? 1 : 0);
    Index m = 1;
    for (const auto& axis : std::get<Tensor>(functions_)) m *= axis.functions;
    return m;
}

Index FieldDictionary::coordinates() const {
    if (const auto* dilated = std::get_if<Dilated>(&functions_)) return dilated->body.coordinates();
    return Index(std::get<Tensor>(functions_).size());
}

bool FieldDictionary::is_log(Index coordinate) const {
    if (const auto* dilated = std::get_if<Dilated>(&functions_)) return dilated->body.is_log(coordinate);
    const auto& axis = std::get<Tensor>(functions_)[std::size_t(coordinate)];
    return !axis.periodic && axis.map.kind() == InputMap::Kind::log;
}

std::vector<MatrixXd> FieldDictionary::evaluate(const Eigen::Ref<const MatrixXd>& points,
                                                const std::vector<Partial>& partials) const {
    const Index time = coordinates() - 1;
    if (points.cols() != coordinates())
        throw std::invalid_argument("points has " + std::to_string(points.cols()) + " columns, expected " +
                                    std::to_string(coordinates()) + ", one for each coordinate with time the last");
    for (Index c = 0; c <= time; ++c)
        if (!points.col(c).allFinite() || ((c == time || is_log(c)) && (points.col(c).array() < 0.0).any()))
            throw std::invalid_argument("coordinate " + std::to_string(c) +
                                        " of the points must be finite, and not negative if it is time or has a log "
                                        "map: coordinates are scaled to [0, 1]");
    for (const auto& partial : partials) check_partial(partial, coordinates());
    return std::visit([&](const auto& functions) { return evaluate(functions, points, partials); }, functions_);
}

namespace {

// Matrices to be written to, which copies of one would already be.
std::vector<MatrixXd> uninitialised(std::size_t count, Index rows, Index cols) {
    std::vector<MatrixXd> result;
    for (std::size_t k = 0; k < count; ++k) result.emplace_back(rows, cols);
    return result;
}

}  // namespace

std::vector<MatrixXd> FieldDictionary::evaluate(const Dilated& functions, const Eigen::Ref<const MatrixXd>& points,
                                                const std::vector<Partial>& partials) {
    const Index width = functions.body.width(), first = functions.constant ? 1 : 0;
    auto result = uninitialised(partials.size(), points.rows(), first + Index(functions.dilations.size()) * width);
    for (std::size_t k = 0; k < partials.size() && functions.constant; ++k) {
        const auto& partial = partials[k];
        const bool value = std::all_of(partial.begin(), partial.end(), [](int exponent) { return exponent == 0; });
        result[k].col(0).setConstant(value ? 1.0 : 0.0);
    }
    Index column = first;
    for (const double kappa : functions.dilations) {
        std::vector<Eigen::Ref<MatrixXd>> columns;
        for (auto& matrix : result) columns.emplace_back(matrix.middleCols(column, width));
        field_features(functions.body, kappa, points, partials, std::move(columns));
        column += width;
    }
    return result;
}

namespace {

using Table = std::array<MatrixXd, 3>;  // values and two derivatives of an axis's functions, (n, functions) each

// 1, cos 2πz, sin 2πz, cos 4πz, … and their derivatives in z.
void fourier(double z, ArrayXd& value, ArrayXd& first, ArrayXd& second) {
    value[0] = 1.0, first[0] = 0.0, second[0] = 0.0;
    for (Index k = 1; k < value.size(); ++k) {
        const double omega = 2.0 * M_PI * double((k + 1) / 2), cosine = std::cos(omega * z), sine = std::sin(omega * z);
        const bool even = k % 2 == 1;
        value[k] = even ? cosine : sine;
        first[k] = omega * (even ? -sine : cosine);
        second[k] = -omega * omega * value[k];
    }
}

Table table(const FieldDictionary::Axis& axis, const Eigen::Ref<const Eigen::VectorXd>& z) {
    Table result;
    for (auto& order : result) order.resize(z.size(), axis.functions);
    ArrayXd value(axis.functions), first(axis.functions), second(axis.functions);
    for (Index i = 0; i < z.size(); ++i) {
        if (axis.periodic) {
            fourier(z[i], value, first, second);
        } else {
            chebyshev::polynomials(axis.map.value(z[i]), value, first, second);
            const double ds = 2.0 * axis.map.derivative(z[i]), dds = 2.0 * axis.map.second_derivative(z[i]);
            second = ds * ds * second + dds * first;
            first *= ds;
        }
        result[0].row(i) = value;
        result[1].row(i) = first;
        result[2].row(i) = second;
    }
    return result;
}

// into (n, K k) = all products of a column of left (n, K) and one of right (n, k), those of right running fastest.
void multiply(const MatrixXd& left, const MatrixXd& right, Eigen::Ref<MatrixXd> into) {
    for (Index i = 0, column = 0; i < left.cols(); ++i)
        for (Index j = 0; j < right.cols(); ++j, ++column) into.col(column) = left.col(i).cwiseProduct(right.col(j));
}

}  // namespace

std::vector<MatrixXd> FieldDictionary::evaluate(const Tensor& axes, const Eigen::Ref<const MatrixXd>& points,
                                                const std::vector<Partial>& partials) {
    constexpr Index block = 256;  // points whose tables stay in cache
    Index m = 1;
    for (const auto& axis : axes) m *= axis.functions;
    auto result = uninitialised(partials.size(), points.rows(), m);
    std::vector<Table> tables(axes.size());
    for (Index start = 0; start < points.rows(); start += block) {
        const Index n = std::min(block, points.rows() - start);
        for (std::size_t c = 0; c < axes.size(); ++c)
            tables[c] = table(axes[c], points.col(Index(c)).segment(start, n));
        const auto factor = [&](std::size_t k, std::size_t c) -> const MatrixXd& {
            return tables[c][std::size_t(partials[k][c])];
        };
        for (std::size_t k = 0; k < partials.size(); ++k) {
            MatrixXd product = MatrixXd::Ones(n, 1), next;
            for (std::size_t c = 0; c + 1 < axes.size(); ++c) {
                next.resize(n, product.cols() * axes[c].functions);
                multiply(product, factor(k, c), next);
                product.swap(next);
            }
            multiply(product, factor(k, axes.size() - 1), result[k].middleRows(start, n));
        }
    }
    return result;
}

}  // namespace STLFAST_NAMESPACE
