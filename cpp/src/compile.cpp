#include "stlfast/compile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

#include "stlfast/chebyshev.hpp"
#include "stlfast/decompositions.hpp"
#include "stlfast/snapshots.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// Members of a box: all combinations of `each` values of one or two parameters, but at most `most`; of three or more
// parameters `most` points of Roberts' sequence, from its point `first` on.
struct Sample {
    Index each, most, first;
};

constexpr Sample snapshot_members{16, 512, 0};  // of a band
constexpr Sample test_members{5, 512, 512};     // of a band, that the certificate judges
constexpr Sample forcing_members{64, 1600, 0};  // of the whole box, for the forcing's modes
constexpr Sample full_members{3, 64, 0};        // of the whole box, for what the full dictionary reaches
constexpr Index forcings_each = 8;              // scattered members in a row with the same A
constexpr Index most_cornered = 8;              // parameters whose box has few enough corners to take them all
constexpr double allowed_bend = 0.1;            // of the forcing between check points
constexpr Index bend_samples = 8;               // between two of them
constexpr Index most_compiled_checks = 1024;
constexpr double smallest_box = 1e-3;  // that is worth halving
constexpr double overlap = 0.02;       // of a band's width, on either side
constexpr double above_full = 4;       // tolerance over the largest bound that the full dictionary was seen with
constexpr Index nodes = 256;           // of the Chebyshev expansions before they are cut
constexpr double expansion_tolerance = 1e-13;        // or the coefficients' own rounding noise, where that is larger
constexpr double taus[] = {1e-1, 1e-2, 1e-3, 1e-4};  // time scales tried for the expansions

struct Box {
    VectorXd low, high;  // (P) box coordinates
};

// All combinations of values (each, P), one member a row, the last parameter running fastest.
MatrixXd tensor(const MatrixXd& values) {
    const Index each = values.rows(), P = values.cols();
    Index total = 1;
    for (Index k = 0; k < P; ++k) total *= each;
    MatrixXd members(total, P);
    for (Index row = 0; row < total; ++row)
        for (Index k = P - 1, rest = row; k >= 0; --k, rest /= each) members(row, k) = values(rest % each, k);
    return members;
}

// All combinations of `each` Chebyshev nodes (rows, box coordinates), or with both ends of Chebyshev extrema.
MatrixXd combinations(const Box& box, Index each, bool ends) {
    const ArrayXd i = ArrayXd::LinSpaced(each, 0, double(each - 1));
    const ArrayXd angle = ends ? ArrayXd(i * (M_PI / double(each - 1))) : ArrayXd((i + 0.5) * (M_PI / double(each)));
    const ArrayXd z = -angle.cos();
    MatrixXd values(each, box.low.size());
    for (Index k = 0; k < box.low.size(); ++k) values.col(k) = box.low[k] + 0.5 * (z + 1) * (box.high[k] - box.low[k]);
    return tensor(values);
}

// Members of Chebyshev density, on Roberts' sequence: its steps are powers of the root g of g^(P+1) = g + 1. Runs of
// them share the parameters in A, so that each factorisation serves several forcings.
MatrixXd scattered(const Family& family, const Box& box, const Sample& sample) {
    const Index P = box.low.size();
    std::vector<bool> in_A(static_cast<std::size_t>(P));
    for (Index k = 0; k < P; ++k)
        in_A[static_cast<std::size_t>(k)] = family.A.depends_on(k + 1) || family.low[k] == family.high[k];
    const Index run = std::all_of(in_A.begin(), in_A.end(), [](bool in) { return in; }) ? 1 : forcings_each;
    double g = 2;
    for (int k = 0; k < 64; ++k) g = std::pow(1 + g, 1.0 / double(P + 1));
    MatrixXd members(sample.most, P);
    for (Index k = 0; k < P; ++k) {
        const double step = std::pow(g, -double(k + 1));
        for (Index s = 0; s < sample.most; ++s) {
            const Index point = sample.first + s;
            const double turn = 0.5 + step * double(in_A[static_cast<std::size_t>(k)] ? point / run : point);
            const double z = -std::cos(M_PI * (turn - std::floor(turn)));
            members(s, k) = box.low[k] + 0.5 * (z + 1) * (box.high[k] - box.low[k]);
        }
    }
    return members;
}

// Members (rows, box coordinates) of a sample; with the box's ends, of many parameters all lowest and all highest
// alone. A grid of many parameters would have too few values of each: a frequency would be seen at three or four.
MatrixXd members_of(const Family& family, const Box& box, const Sample& sample, bool ends) {
    const Index P = box.low.size();
    if (P <= 2) {
        const double most = std::pow(double(sample.most), 1.0 / double(P));
        return combinations(box, std::min(sample.each, Index(most + 0.5)), ends);
    }
    const MatrixXd inside = scattered(family, box, sample);
    if (!ends) return inside;
    const MatrixXd corners = P <= most_cornered
                                 ? combinations(box, 2, true)
                                 : MatrixXd((MatrixXd(2, P) << box.low.transpose(), box.high.transpose()).finished());
    MatrixXd members(corners.rows() + inside.rows(), P);
    members << corners, inside;
    return members;
}

// A bound that is not a number is as good as none.
double larger(double a, double b) { return std::isnan(b) ? std::numeric_limits<double>::infinity() : std::max(a, b); }

// Largest bound of the full dictionary over the parameter ranges.
double worst_full_bound(const Model& model) {
    const Index P = model.family().n_parameters(), n = model.family().n;
    // One initial value and the forcing together stand for all where a solve takes n factorisations.
    const auto data =
        model.options().decoupled ? std::vector<Data>{{VectorXd::Unit(n, 0), true, {}}} : unit_data(model);
    const MatrixXd members = members_of(model.family(), {VectorXd::Zero(P), VectorXd::Ones(P)}, full_members, true);
    Model::Workspace workspace;
    Answer answer;
    double worst = 0;
    for (Index s = 0; s < members.rows(); ++s) {
        const VectorXd p = from_box_coordinates(model.family(), members.row(s).transpose());
        for (const Data& each : data) {
            model.solve(p, each, {true, {}, Space::full}, answer, workspace);
            worst = larger(worst, answer.bound.maxCoeff());
        }
    }
    return worst;
}

// Largest distance of the forcing from a straight line between neighbouring points, over its largest value.
double largest_bend(const Family& family, const VectorXd& parameters, const VectorXd& points) {
    const Index intervals = points.size() - 1;
    VectorXd fine(intervals * bend_samples + 1);
    for (Index q = 0; q < intervals; ++q)
        fine.segment(q * bend_samples, bend_samples + 1).setLinSpaced(points[q], points[q + 1]);
    const MatrixXd b = forcing(family, parameters, fine);
    double largest = 0;
    for (Index q = 0; q < intervals; ++q)
        for (Index k = 1; k < bend_samples; ++k) {
            const double share = double(k) / double(bend_samples);
            const auto line = (1 - share) * b.row(q * bend_samples) + share * b.row((q + 1) * bend_samples);
            largest = std::max(largest, (b.row(q * bend_samples + k) - line).cwiseAbs().maxCoeff());
        }
    return largest / std::max(b.cwiseAbs().maxCoeff(), std::numeric_limits<double>::min());
}

// The snapshots of a box's members, as expansions in log time.
struct Expanded {
    MatrixXd members;          // (S, P) box coordinates
    Index components;          // of each solution
    std::vector<Index> owner;  // member of each solution
    MatrixXd coefficients;     // (D, solutions · components)
    double tau;
};

class BandCompiler {
  public:
    BandCompiler(const Model& model, const CompileOptions& options)
        : model_(model), family_(model.family()), options_(options) {
        for (const double tau : taus)
            model.dictionary().evaluate(chebyshev::nodes(nodes, tau), dictionary_.emplace_back());
    }

    std::vector<Band> bands(const Progress& progress) {
        const Index P = family_.n_parameters();
        split({VectorXd::Zero(P), VectorXd::Ones(P)}, progress);
        return std::move(bands_);
    }

  private:
    void split(const Box& box, const Progress& progress) {
        const Expanded snapshots = expanded(box);
        Band band;
        const double bound = best_band(box, snapshots, band);
        if (bound <= options_.tolerance) {
            orthonormalise(band);
            bands_.push_back(std::move(band));
            done_ += (box.high - box.low).prod();
            progress(done_);
            return;
        }
        progress(done_);
        const bool point =
            box.low.size() == 0 ||
            ((box.high - box.low).array() * (family_.high - family_.low).array().sign()).maxCoeff() < smallest_box;
        if (++splits_ >= options_.max_bands || point) {
            std::ostringstream message;
            if (point)
                message << "compile: near the parameters ("
                        << from_box_coordinates(family_, 0.5 * (box.low + box.high)).transpose()
                        << ") not even one member "
                        << "reaches tol = " << options_.tolerance << " (best bound: " << bound
                        << "): raise tol or max_rank, or compile with reduced=False";
            else
                message << "compile: " << options_.max_bands << " bands of rank " << options_.max_rank
                        << " do not reach tol = " << options_.tolerance << " (best bound of the last: " << bound
                        << "): raise tol or max_rank, or train a body with more features";
            throw std::runtime_error(message.str());
        }
        const Index axis = split_axis(box, snapshots);
        const double middle = 0.5 * (box.low[axis] + box.high[axis]);
        Box below = box, above = box;
        below.high[axis] = above.low[axis] = middle;
        split(below, progress);
        split(above, progress);
    }

    Box widened(const Box& box) const {
        const VectorXd margin = overlap * (box.high - box.low);
        return {(box.low - margin).cwiseMax(0), (box.high + margin).cwiseMin(1)};
    }

    Expanded expanded(const Box& box) const {
        Expanded result;
        result.members = members_of(family_, widened(box), snapshot_members, false);
        Snapshots snapshots = solve_members(model_, result.members);
        result.components = snapshots.components, result.owner = std::move(snapshots.owner);
        expand(snapshots.heads, result);
        return result;
    }

    // The shortest of the expansions in log time.
    void expand(const MatrixXd& heads, Expanded& result) const {
        for (std::size_t k = 0; k < dictionary_.size(); ++k) {
            const MatrixXd a = chebyshev::coefficients(dictionary_[k] * heads);
            const double noise = a.bottomRows(nodes / 8).cwiseAbs().maxCoeff() / a.cwiseAbs().maxCoeff();
            const Index D = chebyshev::length(a, std::max(expansion_tolerance, 2 * noise));
            if (k > 0 && D >= result.coefficients.rows()) continue;
            result.coefficients = a.topRows(D);
            result.tau = taus[k];
        }
    }

    // Rows (2 n N', S) of values and time-scaled derivatives at log-time nodes, one solution a column.
    MatrixXd stacked(const Expanded& snapshots, const std::vector<Index>& solutions) const {
        const Index n = snapshots.components, D = snapshots.coefficients.rows(), N = D + 1;
        const VectorXd x = chebyshev::nodes(N, snapshots.tau);
        MatrixXd T, dT;
        chebyshev::basis(x, D, snapshots.tau, T, &dT);
        dT = x.asDiagonal() * dT;
        MatrixXd rows(2 * n * N, static_cast<Index>(solutions.size()));
        for (Index s = 0; s < rows.cols(); ++s)
            for (Index i = 0; i < n; ++i) {
                const auto a = snapshots.coefficients.col(solutions[static_cast<std::size_t>(s)] * n + i);
                rows.col(s).segment(2 * i * N, N) = T * a;
                rows.col(s).segment((2 * i + 1) * N, N) = dT * a;
            }
        return rows;
    }

    // The principal components of the snapshots at the largest rank, then the smallest rank that meets the tolerance.
    double best_band(const Box& box, const Expanded& snapshots, Band& band) const {
        const Index n = snapshots.components, S = snapshots.coefficients.cols() / n;
        std::vector<Index> all(static_cast<std::size_t>(S));
        for (Index s = 0; s < S; ++s) all[static_cast<std::size_t>(s)] = s;
        const Singular svd = singular(stacked(snapshots, all), Vectors::right);
        const VectorXd& sigma = svd.values;
        const MatrixXd& V = svd.V;
        const Index rank = std::min(options_.max_rank, (sigma.array() > 1e-14 * sigma[0]).count());
        MatrixXd components(snapshots.coefficients.rows(), n * rank);  // column i·rank + k
        for (Index i = 0; i < n; ++i) {
            const MatrixXd component = snapshots.coefficients(Eigen::all, Eigen::seqN(i, S, n));
            components.middleCols(i * rank, rank) =
                component * V.leftCols(rank) * sigma.head(rank).cwiseInverse().asDiagonal();
        }
        const Box wide = widened(box);
        const auto truncated = [&](Index r) {
            Band result{from_box_coordinates(family_, wide.low), from_box_coordinates(family_, wide.high),
                        snapshots.tau, MatrixXd(components.rows(), n * r), model_.options().decoupled};
            for (Index i = 0; i < n; ++i) result.coefficients.middleCols(i * r, r) = components.middleCols(i * rank, r);
            return result;
        };
        band = truncated(rank);
        const double bound = worst_bound(box, band);
        if (bound > options_.tolerance) return bound;
        Index enough = rank, too_few = 0;
        while (enough - too_few > 1) {
            const Index r = (enough + too_few) / 2;
            Band candidate = truncated(r);
            if (worst_bound(box, candidate) <= options_.tolerance)
                enough = r, band = std::move(candidate);
            else
                too_few = r;
        }
        return options_.tolerance;
    }

    // So that the operators of all members are well conditioned. The first k functions span what they did.
    void orthonormalise(Band& band) const {
        if (band.decoupled) {
            const DecoupledOperators operators(band, family_, model_.modes(), model_.grids());
            band.coefficients = (band.coefficients * operators.orthonormalise(fastest_rate(band))).eval();
            return;
        }
        const BandOperators operators(band, family_, model_.modes(), model_.grids());
        const MatrixXd combinations = operators.orthonormalise();
        const Index r = operators.size();
        for (Index i = 0; i < family_.n; ++i)
            band.coefficients.middleCols(i * r, r) = (band.coefficients.middleCols(i * r, r) * combinations).eval();
    }

    double fastest_rate(const Band& band) const {
        double fastest = 1;
        for (const VectorXd& p : {band.low, band.high}) {
            const MatrixXd A = system_matrix(family_, p, VectorXd::Zero(1)).reshaped(family_.n, family_.n);
            fastest = std::max(fastest, eigenvalues(A).cwiseAbs().maxCoeff());
        }
        return fastest;
    }

    double worst_bound(const Box& box, const Band& band) const {
        if (band.decoupled) return worst_bound(box, DecoupledOperators(band, family_, model_.modes(), model_.grids()));
        return worst_bound(box, BandOperators(band, family_, model_.modes(), model_.grids()));
    }

    // Largest certified bound of the box's members for unit initial values, and for the forcing with zero ones.
    template <class Operators>
    double worst_bound(const Box& box, const Operators& operators) const {
        const MatrixXd members = members_of(family_, box, test_members, true);
        typename Operators::Workspace workspace;
        VectorXd c(operators.size()), bound(family_.n), scale(family_.n);
        double worst = 0;
        for (Index s = 0; s < members.rows(); ++s) {
            const VectorXd p = from_box_coordinates(family_, members.row(s).transpose());
            if (!operators.factor(p, workspace)) return std::numeric_limits<double>::infinity();
            for (const Data& data : unit_data(model_)) {
                operators.solve(p, data, c, workspace);
                operators.certify(p, data, c, bound, scale, workspace);
                for (const double b : bound) worst = larger(worst, b);
            }
        }
        return worst;
    }

    // The parameter whose halves need the fewest functions.
    Index split_axis(const Box& box, const Expanded& snapshots) const {
        Index best = 0, fewest = -1;
        for (Index k = 0; k < box.low.size(); ++k) {
            if (box.high[k] == box.low[k] || family_.low[k] == family_.high[k]) continue;
            const double middle = 0.5 * (box.low[k] + box.high[k]);
            Index needed = 0;
            for (const bool upper : {false, true}) {
                std::vector<Index> half;
                const auto& owner = snapshots.owner;
                for (std::size_t s = 0; s < owner.size(); ++s)
                    if ((snapshots.members(owner[s], k) > middle) == upper) half.push_back(static_cast<Index>(s));
                if (half.empty()) continue;  // a decoupled band's modes are few of each member's
                const VectorXd sigma = singular(stacked(snapshots, half), Vectors::none).values;
                needed = std::max<Index>(needed, (sigma.array() > 0.1 * options_.tolerance * sigma[0]).count());
            }
            if (fewest < 0 || needed < fewest) best = k, fewest = needed;
        }
        return best;
    }

    const Model& model_;
    const Family& family_;
    const CompileOptions& options_;
    std::vector<MatrixXd> dictionary_;  // at the nodes for each of taus
    std::vector<Band> bands_;
    double done_ = 0;
    int splits_ = 0;
};

}  // namespace

Index uniform_checks(const Family& family) {
    const Index P = family.n_parameters();
    const MatrixXd members = members_of(family, {VectorXd::Zero(P), VectorXd::Ones(P)}, full_members, true);
    Index uniform = 0;
    for (Index s = 0; s < members.rows(); ++s) {
        const VectorXd p = from_box_coordinates(family, members.row(s).transpose());
        while (largest_bend(family, p, band_check_points(uniform)) > allowed_bend) {
            uniform = uniform == 0 ? 16 : 2 * uniform;
            if (uniform > most_compiled_checks) {
                std::ostringstream message;
                message << "the forcing changes too fast to be seen by " << most_compiled_checks
                        << " check points for the parameters (" << p.transpose()
                        << "): shorten t_span, narrow the ranges, or smooth the forcing";
                throw std::invalid_argument(message.str());
            }
        }
    }
    return uniform;
}

ForcingModes compile_forcing(const Family& family, const Points& points) {
    const Index P = family.n_parameters();
    const MatrixXd members = members_of(family, {VectorXd::Zero(P), VectorXd::Ones(P)}, forcing_members, true);
    MatrixXd snapshots(points.x.size(), members.rows() * family.n);
    for (Index s = 0; s < members.rows(); ++s)
        snapshots.middleCols(s * family.n, family.n) =
            forcing(family, from_box_coordinates(family, members.row(s).transpose()), points.x);
    return forcing_modes(snapshots, points);
}

CompiledBands compile_bands(const Model& model, CompileOptions options, const Progress& progress) {
    if (!model.options().decoupled && !model.family().separable())
        throw std::invalid_argument("compile: A does not separate");
    // Bands approximate the full dictionary's solutions, so none can have a smaller bound.
    options.tolerance = std::max(options.tolerance, above_full * worst_full_bound(model));
    return {BandCompiler(model, options).bands(progress), options.tolerance};
}

}  // namespace STLFAST_NAMESPACE
