#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <tuple>

#include "pde_peers.hpp"

namespace bench {

namespace {

constexpr Method methods[] = {
    {"CVODE BDF", "band", 0, 0},       {"CVODE BDF", "reaction", 0, 0}, {"CVODE Adams", "band", 0, 0},
    {"CVODE Adams", "reaction", 0, 0}, {"CVODE Adams", "none", 0, 0},   {"ARKODE ERK", "none", 3, 3},
    {"ARKODE ERK", "none", 4, 3},      {"ARKODE ERK", "none", 5, 3},    {"ARKODE ERK", "none", 5, 5},
    {"ARKODE DIRK", "band", 4, 3},     {"ARKODE DIRK", "band", 5, 5},   {"ARKODE IMEX", "reaction", 4, 3},
};
constexpr std::size_t always_shown = 2;  // of these methods, however slow
constexpr std::size_t output_size = 2 * grid_size * grid_size;
constexpr int collocation = 0;
constexpr int orders[] = {collocation, 5, 6, 4, 3, 2};  // 7 and 8 need no fewer cells: near the inflow they oscillate
constexpr int uniform_cells[] = {6,  8,  10, 12, 14, 16, 18,  20,  22,  24,  28,  32, 36,
                                 40, 48, 56, 64, 80, 96, 127, 160, 192, 254, 381, 508};
constexpr Space fine = {collocation, 18};
constexpr double smallest_error = 2e-7;        // errors of space or time alone are not followed below
constexpr double tight = 1e-9;                 // tolerance for the error of space alone
constexpr double shares[] = {0.95, 0.5, 0.2};  // of the target that space may use up
constexpr double step = 0.5623413251903491;    // 10^(−1/4), between tolerances
constexpr double unstable = 10;                // error over the least with fewer cells, from which on to give up
constexpr long most_steps = 5000;
constexpr int most_tries = 8;  // tolerances for a space
constexpr int quick_runs = 3;
constexpr double hopeless = 1.5;  // times the best so far of its method and nodes
constexpr double not_shown = 4;   // times the best so far

double microseconds(const std::function<void()>& run) {
    const auto start = std::chrono::steady_clock::now();
    run();
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

PeerSearch::PeerSearch(double alpha)
    : alpha_(alpha),
      grid_(grid_times()),
      layer_(layer_times(alpha)),
      truth_(exact(alpha, grid_)),
      layer_truth_(exact(alpha, layer_)),
      u_(output_size) {
    if (LinesSolver::version() == nullptr) return;
    measure_spaces();
    measure_tolerances();
}

bool PeerSearch::solve(LinesSolver& solver, double tolerance, Errors& found) {
    if (!solver.solve(alpha_, tolerance, layer_, u_.data(), most_steps)) return false;
    std::tie(found.layer_max, found.layer_mean) = errors(u_.data(), layer_truth_);
    if (!solver.solve(alpha_, tolerance, grid_, u_.data(), most_steps)) return false;
    std::tie(found.max, found.mean) = errors(u_.data(), truth_);
    return std::isfinite(found.worst());
}

void PeerSearch::measure_spaces() {
    std::vector<int> all(17);
    std::iota(all.begin(), all.end(), 4);
    for (const int order : orders) {
        if (order != collocation) all.assign(std::begin(uniform_cells), std::end(uniform_cells));
        double least = INFINITY;
        for (const int cells : all) {
            if (cells < order) continue;
            LinesSolver solver({order, cells}, methods[0]);
            Errors found;
            if (!solve(solver, tight, found)) break;
            const double error = found.worst();
            spaces_[order].emplace_back(cells, error);
            least = std::min(least, error);
            if (error < smallest_error || error > unstable * least) break;
        }
    }
}

void PeerSearch::measure_tolerances() {
    for (const auto& method : methods) {
        LinesSolver solver(fine, method);
        auto& known = tolerances_.emplace_back();
        for (double tolerance = 1e-1; tolerance > 1e-11; tolerance *= step) {
            Errors found;
            if (!solve(solver, tolerance, found)) continue;
            known.emplace_back(tolerance, found.worst());
            if (found.worst() < smallest_error) break;
        }
    }
}

// The fewest cells whose error leaves some of the target to time.
std::vector<Space> PeerSearch::candidates(int order, double target) const {
    std::vector<Space> chosen;
    const auto known = spaces_.find(order);
    if (known == spaces_.end()) return chosen;
    for (const double share : shares)
        for (const auto& [cells, error] : known->second)
            if (error <= share * target) {
                if (chosen.empty() || chosen.back().cells != cells) chosen.push_back({order, cells});
                break;
            }
    return chosen;
}

// The loosest tolerance that meets the target, from where the error of time alone does on.
PeerSearch::Settled PeerSearch::settle(Space space, std::size_t method, double target, double give_up, Found& found) {
    LinesSolver solver(space, methods[method]);
    int tries = 0;
    for (const auto& [tolerance, error] : tolerances_[method]) {
        if (error > 2 * target) continue;
        if (++tries > most_tries) break;
        found.setting = {space, methods[method], tolerance};
        found.microseconds = INFINITY;
        const auto run = [&] { solver.solve(alpha_, tolerance, grid_, u_.data(), most_steps); };
        for (int k = 0; k < quick_runs && !(found.microseconds <= give_up && k > 0); ++k)
            found.microseconds = std::min(found.microseconds, microseconds(run));
        if (found.microseconds > give_up) return Settled::slow;
        if (!solve(solver, tolerance, found.errors) || found.errors.worst() > target) continue;
        found.steps = solver.steps();
        for (int k = 0; k < quick_runs; ++k) found.microseconds = std::min(found.microseconds, microseconds(run));
        return Settled::met;
    }
    return Settled::missed;
}

std::vector<Peer> PeerSearch::peers(double target) {
    std::vector<Peer> chosen;
    const Setting none{{0, 0}, {"", "", 0, 0}, 0};
    const double alpha = alpha_;
    characteristics(alpha, layer_, u_.data());
    const auto layer = errors(u_.data(), layer_truth_);
    characteristics(alpha, grid_, u_.data());
    const auto [max, mean] = errors(u_.data(), truth_);
    chosen.push_back({"exact: characteristics + expm",
                      none,
                      false,
                      {max, mean, layer.first, layer.second},
                      0,
                      [=, t = grid_](double* u) { characteristics(alpha, t, u); },
                      NAN});
    characteristics_on_grid(alpha, u_.data());
    const auto shared = errors(u_.data(), truth_);
    chosen.push_back({"exact: characteristics + expm, g at its 255 values",
                      none,
                      false,
                      {shared.first, shared.second, NAN, NAN},
                      0,
                      [=](double* u) { characteristics_on_grid(alpha, u); },
                      NAN});

    double least = INFINITY;
    for (std::size_t method = 0; method < tolerances_.size(); ++method)
        for (const bool uniform : {false, true}) {
            Found best{none, {}, 0, INFINITY}, found = best;
            const double most = method < always_shown ? INFINITY : not_shown * least;
            for (const int order : orders) {
                if ((order != collocation) != uniform) continue;
                for (const auto space : candidates(order, target)) {
                    const double give_up = std::min(most, hopeless * best.microseconds);
                    const auto settled = settle(space, method, target, give_up, found);
                    if (settled == Settled::slow) break;
                    if (settled == Settled::met && found.microseconds < best.microseconds) best = found;
                }
            }
            if (!std::isfinite(best.microseconds)) continue;
            least = std::min(least, best.microseconds);
            const auto solver = std::make_shared<LinesSolver>(best.setting.space, best.setting.method);
            chosen.push_back({best.setting.method.name(), best.setting, true, best.errors, best.steps,
                              [=, tolerance = best.setting.tolerance, t = grid_](double* u) {
                                  solver->solve(alpha, tolerance, t, u);
                              },
                              best.microseconds});
        }
    return chosen;
}

void measure(std::vector<Peer>& peers, int repetitions) {
    std::vector<std::vector<double>> times(peers.size());
    std::vector<double> u(output_size);  // one for all of them, so that it stays in the cache
    for (int round = -1; round < repetitions; ++round)
        for (std::size_t k = 0; k < peers.size(); ++k) {
            const double took = microseconds([&] { peers[k].run(u.data()); });
            if (round >= 0) times[k].push_back(took);
        }
    for (std::size_t k = 0; k < peers.size(); ++k) {
        const auto middle = times[k].begin() + std::ptrdiff_t(times[k].size() / 2);
        std::nth_element(times[k].begin(), middle, times[k].end());
        peers[k].microseconds = *middle;
        peers[k].least = *std::min_element(times[k].begin(), times[k].end());
    }
}

const Peer* fastest(const std::vector<Peer>& peers) {
    const Peer* best = nullptr;
    for (const auto& peer : peers)
        if (peer.lines && (best == nullptr || peer.microseconds < best->microseconds)) best = &peer;
    return best;
}

std::string json(const Peer& peer) {
    const auto number = [](double value) {
        char text[32];
        std::snprintf(text, sizeof text, std::isfinite(value) ? "%.4g" : "null", value);
        return std::string(text);
    };
    const auto& [max, mean, layer_max, layer_mean] = peer.errors;
    std::string text = "{\"name\": \"" + peer.name + "\"";
    if (peer.lines) {
        const auto& s = peer.setting;
        text += ", \"nodes\": \"" + std::string(s.space.order == collocation ? "Chebyshev" : "uniform") + "\"";
        text += ", \"order\": " + std::to_string(s.space.order == collocation ? s.space.cells : s.space.order);
        text += ", \"cells\": " + std::to_string(s.space.cells) + ", \"tolerance\": " + number(s.tolerance);
        text += ", \"steps\": " + std::to_string(peer.steps);
    }
    return text + ", \"us\": " + number(peer.microseconds) + ", \"least_us\": " + number(peer.least) +
           ", \"max_error\": " + number(max) + ", \"mean_error\": " + number(mean) +
           ", \"layer_max_error\": " + number(layer_max) + ", \"layer_mean_error\": " + number(layer_mean) + "}";
}

}  // namespace bench
