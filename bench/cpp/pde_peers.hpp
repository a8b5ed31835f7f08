// The competitors for advection_reaction.hpp, each at the setting that meets a target error in the least time.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "advection_reaction.hpp"
#include "lines_sundials.hpp"

namespace bench {

struct Setting {
    Space space;
    Method method;
    double tolerance;
};

struct Peer {
    std::string name;
    Setting setting;  // order and cells are 0 for exact solutions
    bool lines;       // by the method of lines
    Errors errors;
    long steps;
    std::function<void(double*)> run;  // a whole solve with its output u (128, 128, 2)
    double microseconds;               // median, as `measure` leaves it
    double least = NAN;                // of the quickest repetition, which other programs disturb less
};

class PeerSearch {
  public:
    explicit PeerSearch(double alpha);

    // Exact solutions first; then of each method the setting that was quickest in a few runs, on uniform nodes and at
    // Chebyshev's points, where it meets the target with its largest error over the grid and the initial layer.
    std::vector<Peer> peers(double target);

  private:
    struct Found {
        Setting setting;
        Errors errors;
        long steps;
        double microseconds;
    };
    bool solve(LinesSolver& solver, double tolerance, Errors& errors);
    void measure_spaces();
    void measure_tolerances();
    std::vector<Space> candidates(int order, double target) const;
    enum class Settled { met, missed, slow };
    Settled settle(Space space, std::size_t method, double target, double give_up, Found& found);

    double alpha_;
    std::vector<double> grid_, layer_, truth_, layer_truth_, u_;
    std::map<int, std::vector<std::pair<int, double>>> spaces_;       // order to cells and the error of space alone
    std::vector<std::vector<std::pair<double, double>>> tolerances_;  // of each method, and the error of time alone
};

// Median times over interleaved repetitions, after one that is not counted.
void measure(std::vector<Peer>& peers, int repetitions);

// Of those by the method of lines; nullptr where there are none.
const Peer* fastest(const std::vector<Peer>& peers);

std::string json(const Peer& peer);

}  // namespace bench
