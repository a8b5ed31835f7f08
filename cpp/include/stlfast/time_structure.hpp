// What breaks or happens fast in the explicit dependence of a right-hand side on time, found before a member is solved.
//
// By interval arithmetic on the instructions (Program::enclose): a root of a switch, or a short pulse of a forcing, is
// found wherever it is, and what is the same over a long time costs one look.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "stlfast/program.hpp"

namespace STLFAST_NAMESPACE {

// The x in (begin, end) at which an output of a prepared program of x alone changes its sign, increasing.
std::vector<double> sign_changes(const Program& program, Program::Workspace& workspace, double begin, double end);

// Cells of [0, 1], increasing, in each of which a few samples tell all that some functions of x do there.
class Cells {
  public:
    // Of [begin, end], which comes after all that is there: halved until bounds and samples of the prepared programs'
    // outputs agree.
    void add(const std::vector<const Program*>& programs, const std::vector<Program::Workspace*>& workspaces,
             double begin, double end);

    // The longest window from x on, at most H, that is no longer than the cells in it but those that it starts in.
    double longest(double x, double H) const;

  private:
    std::vector<double> ends_;  // of cells
    double begin_ = 0;
};

}  // namespace STLFAST_NAMESPACE
