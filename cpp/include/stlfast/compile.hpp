// Reduced bases for overlapping bands of members, chosen by the certificate.
//
// Members of a band, at Chebyshev nodes of one or two parameters, scattered over more, are solved on the full
// dictionary for unit initial values and for the family's forcing. Their principal components, in values and
// time-scaled derivatives on log-time nodes, are the band's functions. Where even the largest rank leaves the certified
// bound of some member above the tolerance, the band is split; else it keeps the smallest rank that will do. No
// numerical integrator takes part.
#pragma once

#include <functional>
#include <vector>

#include "stlfast/model.hpp"

namespace STLFAST_NAMESPACE {

struct CompileOptions {
    double tolerance = 1e-8;  // of the certified bound for unit initial values, and for the forcing with zero ones
    Eigen::Index max_rank = 40;
    int max_bands = 64;
};

struct CompiledBands {
    std::vector<Band> bands;
    double tolerance;  // the one used: never below what the full dictionary reaches
};

// Called after each attempted band with the finished share of the parameter box; throws to stop.
using Progress = std::function<void(double)>;

// The fewest uniform check points (0, 16, 32, …, 1024) with which a band's certificate sees the family's forcing:
// between neighbours it bends by at most a tenth of its size. Throws std::invalid_argument where 1024 do not suffice.
Eigen::Index uniform_checks(const Family& family);

ForcingModes compile_forcing(const Family& family, const Points& points);

// The bands of a model that has none yet. Throws std::runtime_error where max_bands bands do not reach the tolerance,
// with the best bound reached.
CompiledBands compile_bands(const Model& model, CompileOptions options, const Progress& progress);

}  // namespace STLFAST_NAMESPACE
