// What breaks or happens fast in the explicit dependence of a right-hand side on time, found before a member is solved.
//
// By interval arithmetic on the instructions (Program::enclose): a root of a switch, or a short pulse of a forcing, is
// found wherever it is, and what is the same over a long time costs one look.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "stlfast/bends.hpp"
#include "stlfast/program.hpp"

namespace STLFAST_NAMESPACE {

// The x in (begin, end) at which an output of a prepared program of x alone changes its sign, increasing.
std::vector<double> sign_changes(const Program& program, Program::Workspace& workspace, double begin, double end);

// Cells of [0, 1], increasing, in each of which samples tell all that functions of x do.
class Cells {
  public:
    // Of [begin, end]: halved until what the functions bend at is told; programs that are prepared in the workspaces.
    Cells(const std::vector<Bends>& functions, std::vector<Program::Workspace>& workspaces, double begin, double end);
    Cells() = default;

    // The longest window from x on, at most H, that is no longer than the cells in it but those that it starts in.
    double longest(double x, double H) const;

  private:
    std::vector<double> ends_;  // of cells
    double begin_ = 0;
};

}  // namespace STLFAST_NAMESPACE
