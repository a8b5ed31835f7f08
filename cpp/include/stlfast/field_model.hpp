// A compiled linear family of PDEs: members in the reduced bases of groups of fields that do not act on each other.
//
//   u = F v,   v the fields of all groups,   d_v = F⁻¹ d_u
//
// n fields, P parameters, V of the θ_q vary, M data of each field, N_z points of space and N_x times of an output
// grid. A loaded model is immutable; solves are re-entrant.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <mutex>
#include <vector>

#include "stlfast/answer.hpp"
#include "stlfast/field_band.hpp"
#include "stlfast/program.hpp"

namespace STLFAST_NAMESPACE {

// The functions of one space coordinate in [0, 1]: Chebyshev polynomials, or 1, cos 2πz, sin 2πz, cos 4πz, …
struct SpaceAxis {
    bool periodic;
    Eigen::Index size;
};

struct FieldGroup {
    std::vector<Eigen::Index> fields;  // of v, increasing
    std::vector<FieldBand> bands;
};

class FieldModel {
  public:
    struct Definition {
        Program theta;                       // outputs the θ_q; inputs x, which does not enter, and p
        std::vector<Eigen::Index> varying;   // (V) outputs that depend on parameters
        Eigen::VectorXd low, high;           // (P)
        Eigen::MatrixXd mixing;              // F (n, n)
        std::vector<SpaceAxis> axes;         // the last the fastest in the functions of space
        FieldPoints points;
        std::vector<FieldGroup> groups;
    };
    struct Workspace {
        Program::Workspace program;
        FieldOperators::Workspace band;
        Eigen::VectorXd theta, data, values, largest;
        Eigen::MatrixXd time_part;
        std::vector<Eigen::Index> alive;  // output times at which each field is not 0 yet
    };
    // All that depends on parameters.
    struct Member {
        std::vector<Eigen::Index> bands;  // of each group
        std::vector<FieldOperators::Member> factors;
    };
    struct FieldAnswer {
        std::vector<Eigen::Index> bands;
        std::vector<Eigen::VectorXd> c, core;  // (r), (n q p) of each group
        Eigen::VectorXd estimate, scale;       // (n), the estimate empty where not asked for; max |data|
        bool within = false;
    };

    explicit FieldModel(Definition definition);
    FieldModel(const FieldModel&) = delete;
    FieldModel& operator=(const FieldModel&) = delete;

    Eigen::Index n() const { return definition_.mixing.rows(); }
    Eigen::Index data_size() const { return definition_.points.weight.size(); }
    const Definition& definition() const { return definition_; }

    // Throws std::out_of_range where no band has the parameters (P), std::runtime_error for a singular operator.
    void factor(const double* parameters, Member& member, Workspace& workspace) const;

    // Data (n, M), row by row. Allocates nothing after the first solve with this answer and workspace.
    void solve(const Member& member, const double* data, bool estimate, const Tolerance& tolerance,
               FieldAnswer& answer, Workspace& workspace) const;

    // Values (n, N), row by row, at scattered points (N, d + 1), time last.
    void evaluate(const FieldAnswer& answer, const Eigen::MatrixXd& points, double* u) const;

    // The basis of space (N, S) at points (N, d).
    Eigen::MatrixXd space_basis(const Eigen::MatrixXd& z) const;

  private:
    friend class FieldTable;
    Definition definition_;
    Eigen::MatrixXd unmixing_;
    std::vector<std::vector<FieldOperators>> operators_;  // of each group and band
};

// The functions of all bands at the points of an output grid.
class FieldTable {
  public:
    // Space points z (N_z, d) and times x (N_x). Keeps a reference to the model.
    FieldTable(const FieldModel& model, Eigen::MatrixXd z, Eigen::VectorXd x);
    FieldTable(const FieldTable&) = delete;
    FieldTable& operator=(const FieldTable&) = delete;

    Eigen::Index space_size() const { return z_.rows(); }
    Eigen::Index time_size() const { return x_.size(); }

    // u (n, N_z, N_x), C-contiguous.
    void evaluate(const FieldModel::FieldAnswer& answer, double* u, FieldModel::Workspace& workspace) const;

  private:
    struct Functions {
        std::once_flag once;
        Eigen::MatrixXd space, time;  // (N_z, p), (q, N_x)
    };
    const Functions& functions(std::size_t group, Eigen::Index band) const;

    const FieldModel* model_;
    Eigen::MatrixXd z_;
    Eigen::VectorXd x_;
    mutable std::once_flag basis_once_;
    mutable Eigen::MatrixXd basis_;  // of space
    std::vector<std::vector<std::unique_ptr<Functions>>> functions_;
};

}  // namespace STLFAST_NAMESPACE
