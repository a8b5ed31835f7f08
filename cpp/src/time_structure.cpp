#include "stlfast/time_structure.hpp"

#include <algorithm>
#include <cmath>

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double shortest_root = 1e-11;  // interval in which a switch that only touches 0 is given up
constexpr int most_pieces = 200000;
constexpr double tight = 1e-9;  // bounds that exceed the values at the ends by no more are those of a monotone
constexpr double longest_cell = 1.0 / 16, shortest_cell = 1e-9;
constexpr std::size_t most_cells = 20000;

double value(const Program& program, Program::Workspace& workspace, double x, Index o, MatrixXd& buffer) {
    program.evaluate_prepared(MatrixXd::Constant(1, 1, x), buffer, workspace);
    return buffer(0, o);
}

// Between a and b, where output o has different signs: regula falsi with halved weights (Illinois).
double root(const Program& program, Program::Workspace& workspace, double a, double b, double fa, double fb, Index o,
            MatrixXd& buffer) {
    int kept = 0;
    for (int k = 0; k < 200 && b - a > 2e-16 * std::max(std::fabs(a), std::fabs(b)); ++k) {
        double x = k % 3 == 2 ? 0.5 * (a + b) : (a * fb - b * fa) / (fb - fa);
        if (!(x > a && x < b)) x = 0.5 * (a + b);
        if (!(x > a && x < b)) break;
        const double f = value(program, workspace, x, o, buffer);
        if (f == 0) return x;
        if ((f < 0) == (fa < 0)) {
            a = x, fa = f;
            if (kept == 1) fb /= 2;
            kept = 1;
        } else {
            b = x, fb = f;
            if (kept == -1) fa /= 2;
            kept = -1;
        }
    }
    return b;
}

}  // namespace

std::vector<double> sign_changes(const Program& program, Program::Workspace& workspace, double begin, double end) {
    struct Piece {
        double a, b;
    };
    std::vector<Piece> pieces{{begin, end}};
    std::vector<double> found;
    MatrixXd at_a(1, program.n_outputs()), at_b = at_a, buffer = at_a;
    VectorXd least, largest;
    int halved = 0;
    while (!pieces.empty()) {
        const auto [a, b] = pieces.back();
        pieces.pop_back();
        program.enclose(VectorXd::Constant(1, a), VectorXd::Constant(1, b), workspace, least, largest);
        if ((least.array() > 0 || largest.array() < 0).all()) continue;
        program.evaluate_prepared(MatrixXd::Constant(1, 1, a), at_a, workspace);
        program.evaluate_prepared(MatrixXd::Constant(1, 1, b), at_b, workspace);
        bool all_monotone = true;
        for (Index o = 0; o < at_a.size() && all_monotone; ++o) {
            if (least[o] > 0 || largest[o] < 0) continue;
            const double width = std::fabs(at_b(0, o) - at_a(0, o));
            all_monotone = largest[o] - least[o] <= (1 + tight) * width + 1e-300;
        }
        if (!all_monotone && b - a > shortest_root && ++halved < most_pieces) {
            pieces.push_back({0.5 * (a + b), b}), pieces.push_back({a, 0.5 * (a + b)});
            continue;
        }
        for (Index o = 0; o < at_a.size(); ++o) {
            const double fa = at_a(0, o), fb = at_b(0, o);
            if (least[o] > 0 || largest[o] < 0 || !std::isfinite(fa) || !std::isfinite(fb)) continue;
            if ((fa < 0) != (fb < 0)) found.push_back(root(program, workspace, a, b, fa, fb, o, buffer));
        }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::remove_if(found.begin(), found.end(), [&](double x) { return !(x > begin && x < end); }),
                found.end());
    return found;
}

Cells::Cells(const std::vector<Bends>& functions, std::vector<Program::Workspace>& workspaces, double begin, double end)
    : begin_(begin) {
    struct Piece {
        double a, b;
    };
    std::vector<Piece> pieces;
    const Index whole = std::max<Index>(1, Index(std::ceil((end - begin) / longest_cell - 1e-9)));
    for (Index k = whole; k-- > 0;)
        pieces.push_back({begin + (end - begin) * double(k) / double(whole),
                          k + 1 == whole ? end : begin + (end - begin) * double(k + 1) / double(whole)});
    MatrixXd values;
    VectorXd least, largest;
    while (!pieces.empty()) {
        const auto [a, b] = pieces.back();
        pieces.pop_back();
        bool told = true;
        for (std::size_t p = 0; p < functions.size() && told; ++p) {
            values.resize(Bends::samples, functions[p].at.n_outputs());
            functions[p].at.evaluate_prepared(VectorXd::LinSpaced(Bends::samples, a, b), values, workspaces[p]);
            functions[p].at.enclose(VectorXd::Constant(1, a), VectorXd::Constant(1, b), workspaces[p], least, largest);
            told = functions[p].told(values, least, largest);
        }
        if (told || b - a < shortest_cell || ends_.size() + pieces.size() > most_cells)
            ends_.push_back(b);
        else
            pieces.push_back({0.5 * (a + b), b}), pieces.push_back({a, 0.5 * (a + b)});
    }
}

double Cells::longest(double x, double H) const {
    auto cell = std::size_t(std::upper_bound(ends_.begin(), ends_.end(), x) - ends_.begin());
    double begin = x;
    for (; cell < ends_.size() && begin < x + H; begin = ends_[cell++]) {
        const double length = ends_[cell] - (cell > 0 ? ends_[cell - 1] : begin_);
        H = std::min(H, std::max(begin - x, length));
    }
    return H;
}

}  // namespace STLFAST_NAMESPACE
