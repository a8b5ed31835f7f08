// The method of lines for advection_reaction.hpp: u_x by finite differences on uniform nodes, biased to where the flow
// comes from, or by collocation at Chebyshev's points; the value at the inflow is known.
//
// M cells, nodes x_0 = 0 … x_M = 1; unknowns y (2M): both species at x_1, then at x_2, … With the inflow in front,
// v (2M + 2). A derivative of order p takes p + 1 nodes, p/2 + 1 of them behind, fewer near an end.
#pragma once

#include <vector>

namespace bench {

struct Space {
    int order;  // 0: collocation
    int cells;
};

// At a point: weights of `size` nodes from `first` on.
struct Stencil {
    int first, size;
    const double* weights;
};

class Lines {
  public:
    explicit Lines(Space space);

    int unknowns() const { return 2 * cells_; }
    int below() const { return below_; }  // half bandwidths of the Jacobian
    int above() const { return above_; }
    const std::vector<double>& nodes() const { return nodes_; }
    Stencil derivative(int node) const { return at(derivative_, node - 1); }  // node > 0

    void inflow(double alpha, double t, double* u) const;
    void advection(double alpha, double t, const double* y, double* dy) const;        // −u_x
    void right_hand_side(double alpha, double t, const double* y, double* dy) const;  // −u_x + R u
    void reaction(double alpha, const double* y, double* dy) const;                   // R u
    void interpolate(const std::vector<double>& values, int N, double* u) const;      // (M + 1, N, 2) to u

  private:
    struct Row {
        int first, size, at;
    };
    struct Stencils {
        std::vector<Row> rows;
        std::vector<double> weights;
        void add(int first, int size, const std::vector<double>& nodes, double x, int derivative);
    };
    static Stencil at(const Stencils& s, int row) {
        const auto& r = s.rows[std::size_t(row)];
        return {r.first, r.size, &s.weights[std::size_t(r.at)]};
    }
    void one_row(int node, const double* v, double* dy) const;

    int cells_, below_ = 1, above_ = 1;
    std::vector<double> nodes_;
    Stencils derivative_, interpolation_;
    int middle_first_ = 0, middle_last_ = 0, behind_ = 0;  // nodes whose weights are the same, where nodes are uniform
    std::vector<double> columns_;                          // collocation: (M + 1, 2M), each weight twice
};

}  // namespace bench
