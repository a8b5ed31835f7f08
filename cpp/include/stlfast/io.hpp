// Loads the model files that the Python package writes. Part of stlfast::io, which needs nlohmann_json.
//
//   const auto loaded = stlfast::load("dho.safetensors");
//   const auto fixed = loaded.at({{"alpha", 75.0}});
//   fixed.solve(y0, y, answer, workspace);
//
// The file is one of safetensors (see safetensors.hpp) with these arrays, float64 unless said otherwise; n states,
// P parameters, N collocation points, K forcing modes, D Chebyshev coefficients, r functions of a band. Times in it are
// scaled to [0, 1].
//
//   family.X.{code,constants,outputs}   programs (see program.hpp), int32 (·, 3), float64 (·), int32 (·), of x and the
//                                       P parameters: X = A with n² outputs, b with n, t_span with 2 and, where A is
//                                       separable, theta with Q and parts with Q n²; of nonlinear families also N with
//                                       n and J with n² outputs, of x, the states and the parameters
//   points                              (N)
//   modes.{g,magic,interpolate}         (N, K), (K), (K, K): see forcing_modes.hpp
//   bands.k.{low,high,tau,coefficients} (P), (P), (1), (D, n r), or (D, r) where the model is decoupled, for
//                                       k = 0, 1, …: see band.hpp and decoupled.hpp
//   bands.k.{x,equation,powers,guess}   of nonlinear families (r), int32 (r), int32 (M, d), (M, r), and coefficients
//                                       (D, n (L + r)): see nonlinear_band.hpp
//   family.X                            of models on compiled windows also X = switches, of x, states and parameters;
//                                       stops with K (1 + n) and start with n outputs, of x and the parameters
//   chains.powers                       of these, int32 (M, d): see chains.hpp
//   chains.k.{low,high,lengths,values}  (d), (d), float32 (K, M) and, of nonlinear families, (3 n K, M)
//   body.layers.l.{weight,bias}         (width_l, width_{l−1}), (width_l) for l = 0, 1, …; none where body is null
//
// and these texts in its metadata, all but the first two JSON:
//
//   format          stlfast
//   format_version  1, 2, 3 or 5; 6 of models on compiled windows
//   family          {"name", "states": n names, "params": P of {"name", "train": [low, high], "solve": [low, high]},
//                   "stiffness": name or null, "y0": n numbers, "y0_range": null or n of [low, high], "equations", and
//                   of nonlinear families "polynomial_degree"; "positive" where some states are}
//   body            null, or {"activation", "input", "tau", "history", "sha256"}
//   compile         {"dictionary": {"dilations", "constant", "functions", "tau"}, "row_weights": "sqrt_t" or "none",
//                   "shared_head", "solver", "decoupled", "uniform_checks"}; functions and tau are null unless the
//                   dictionary is of Chebyshev polynomials; version 1 has no decoupled, which is false; of models on
//                   compiled windows also "chains": {"tolerance", "shares" of each k, and where there are several
//                   segments "segments": the windows of each, of each k}
//   passport        how the model was made and measured
//
// What is not needed to solve is not looked at: equations, history and passport. Nor is the SHA-256 of the
// body's weights verified, which Python does.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "stlfast/member.hpp"
#include "stlfast/nonlinear_model.hpp"
#include "stlfast/safetensors.hpp"
#include "stlfast/window_model.hpp"

namespace STLFAST_NAMESPACE {

// What a model file says about the family.
struct LoadedFamily {
    std::string name;
    std::vector<std::string> states;           // n names
    std::vector<std::string> parameter_names;  // P names, in the order in which models take the parameters
    Eigen::VectorXd low, high;                 // (P) their ranges
    Eigen::VectorXd y0;                        // (n) default initial values
    Program t_span;                            // t0 and t1 as functions of the parameters

    // The parameters (P) in the family's order. Throws std::invalid_argument where one is unknown, missing or outside
    // the range on which the family is solved.
    Eigen::VectorXd parameters(const std::map<std::string, double>& named) const;

    // t0 and t1 of a member: t = t0 + (t1 − t0) x. Throws std::invalid_argument unless they are finite and increasing.
    std::pair<double, double> t_span_at(const Eigen::VectorXd& parameters) const;
};

struct LoadedModel : LoadedFamily {
    std::unique_ptr<const Model> model;

    // The member of these parameters, at the model's output points; keeps a reference to the model.
    Member at(const std::map<std::string, double>& named, const SolveOptions& options = {}) const {
        return Member(*model, model->output(), parameters(named), {}, options);
    }
};

struct LoadedNonlinearModel : LoadedFamily {
    std::unique_ptr<const NonlinearModel> model;
};

// On compiled windows, linear or not.
struct LoadedWindowModel : LoadedFamily {
    std::unique_ptr<const WindowModel> model;
};

// Throw FileError, which says what is wrong, for a file that is missing, truncated, no model, of a newer version,
// broken, or of another kind of model: which function opens that.
LoadedModel load(const std::string& path);
LoadedNonlinearModel load_nonlinear(const std::string& path);
LoadedWindowModel load_windows(const std::string& path);

// --------------------------------------------------------------------------------------------------- implementation
inline Eigen::VectorXd LoadedFamily::parameters(const std::map<std::string, double>& named) const {
    const auto joined = [](const auto& names) {
        std::string text;
        for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
        return text;
    };
    std::set<std::string> unknown, missing(parameter_names.begin(), parameter_names.end());
    for (const auto& [given, value] : named)
        if (missing.erase(given) == 0) unknown.insert(given);
    if (!unknown.empty() || !missing.empty())
        throw std::invalid_argument(
            (unknown.empty() ? "missing parameter " + joined(missing) : "unknown parameter " + joined(unknown)) +
            ": those of '" + name + "' are " + joined(parameter_names));
    Eigen::VectorXd values(low.size());
    for (Eigen::Index k = 0; k < values.size(); ++k) {
        const auto& parameter = parameter_names[static_cast<std::size_t>(k)];
        const double value = named.at(parameter);
        if (!(low[k] <= value && value <= high[k])) {
            std::ostringstream message;
            message << parameter << " = "
                    << (std::isfinite(value) ? nlohmann::json(value).dump() : std::to_string(value))
                    << (std::isfinite(value) ? " is outside [" : " is not finite and so outside [") << low[k] << ", "
                    << high[k] << "], where '" << name << "' is solved";
            throw std::invalid_argument(message.str());
        }
        values[k] = value;
    }
    return values;
}

inline std::pair<double, double> LoadedFamily::t_span_at(const Eigen::VectorXd& parameters) const {
    Eigen::MatrixXd span(1, 2);
    Program::Workspace workspace;
    t_span.evaluate(Eigen::VectorXd::Zero(1), parameters, span, workspace);
    if (!span.allFinite() || !(span(0, 0) < span(0, 1))) {
        std::ostringstream message;
        message << "family '" << name << "': t_span must be increasing and finite, got (" << span(0, 0) << ", "
                << span(0, 1) << ")";
        throw std::invalid_argument(message.str());
    }
    return {span(0, 0), span(0, 1)};
}

namespace model_file {

constexpr int newest_version = 6;     // 4 is of PDEs alone, 6 of compiled windows
constexpr int most_functions = 4096;  // Chebyshev polynomials in a dictionary

[[noreturn]] inline void refuse(const std::string& problem) { throw std::invalid_argument(problem); }

inline nlohmann::json parse(const Safetensors& file, const std::string& name) {
    try {
        return nlohmann::json::parse(file.metadata(name));
    } catch (const nlohmann::json::exception& error) {
        refuse("the metadata entry '" + name + "' is not valid JSON (" + error.what() + ")");
    }
}

template <class T>
T entry(const nlohmann::json& object, const std::string& name) {
    try {
        return object.at(name).get<T>();
    } catch (const nlohmann::json::exception& error) {
        refuse("'" + name + "' is missing or of the wrong type (" + error.what() + ")");
    }
}

inline Program read_program(Safetensors& file, const std::string& name, Eigen::Index parameters, Eigen::Index n = 0) {
    const auto code = file.take_matrix<std::int32_t>("family." + name + ".code");
    if (code.cols() != 3) refuse("tensor 'family." + name + ".code' must have 3 columns");
    const auto varying = static_cast<int>(n) + 1;
    return Program(static_cast<int>(parameters) + varying, file.take_vector<double>("family." + name + ".constants"),
                   code, file.take_vector<std::int32_t>("family." + name + ".outputs"), varying);
}

inline Dictionary read_dictionary(Safetensors& file, const nlohmann::json& options) {
    const auto body = parse(file, "body");
    std::optional<Body> layers;
    if (!body.is_null()) {
        std::vector<Eigen::MatrixXd> weights;
        std::vector<Eigen::VectorXd> biases;
        for (int l = 0; l == 0 || file.has("body.layers." + std::to_string(l) + "."); ++l) {
            weights.emplace_back(file.take_matrix<double>("body.layers." + std::to_string(l) + ".weight"));
            biases.emplace_back(file.take_vector<double>("body.layers." + std::to_string(l) + ".bias"));
        }
        layers.emplace(std::move(weights), std::move(biases), activation_from(entry<std::string>(body, "activation")),
                       InputMap(entry<std::string>(body, "input"), entry<double>(body, "tau")));
    }
    if (!entry<nlohmann::json>(options, "functions").is_null()) {
        const auto functions = entry<std::int64_t>(options, "functions");
        if (functions < 1 || functions > most_functions)
            refuse("the dictionary has " + std::to_string(functions) + " functions, expected 1 … " +
                   std::to_string(most_functions));
        return Dictionary::chebyshev(functions, InputMap("log", entry<double>(options, "tau")));
    }
    if (!layers) refuse("a dictionary of features needs a body");
    return Dictionary::from_body(std::move(*layers), entry<std::vector<double>>(options, "dilations"),
                                 entry<bool>(options, "constant"));
}

inline Eigen::VectorXd vector_of(const std::vector<double>& values) {
    return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
}

// read(prefix, low, high, tau, coefficients) of every band.
template <class Read>
void read_bands(Safetensors& file, const Read& read) {
    for (int k = 0; file.has("bands." + std::to_string(k) + "."); ++k) {
        const auto prefix = "bands." + std::to_string(k) + ".";
        const auto tau = file.take_vector<double>(prefix + "tau");
        if (tau.size() != 1) refuse("tensor '" + prefix + "tau' must be one number");
        read(prefix, Band{file.take_vector<double>(prefix + "low"), file.take_vector<double>(prefix + "high"), tau[0],
                          file.take_matrix<double>(prefix + "coefficients")});
    }
}

// What the full dictionary is solved with.
struct Full {
    Dictionary dictionary;
    Points points;
    ForcingModes modes;
};

inline Full read_full(Safetensors& file, const nlohmann::json& options) {
    const auto row_weights = entry<std::string>(options, "row_weights");
    if (row_weights != "sqrt_t" && row_weights != "none")
        refuse("row_weights is '" + row_weights + "', expected 'sqrt_t' or 'none'");
    ForcingModes modes{file.take_matrix<double>("modes.g"), file.take_vector<double>("modes.magic"),
                       file.take_matrix<double>("modes.interpolate")};
    return {read_dictionary(file, entry<nlohmann::json>(options, "dictionary")),
            weighted_points(file.take_vector<double>("points"), row_weights == "sqrt_t"), std::move(modes)};
}

inline std::unique_ptr<const Model> read_model(Safetensors& file, const nlohmann::json&, Family family) {
    const auto options = parse(file, "compile");
    auto full = read_full(file, options);
    const auto uniform_checks = entry<std::int64_t>(options, "uniform_checks");
    const bool decoupled = options.contains("decoupled") && entry<bool>(options, "decoupled");
    const FullOptions how{entry<bool>(options, "shared_head"),
                          least_squares_from(entry<std::string>(options, "solver")), decoupled};
    std::vector<Band> bands;
    read_bands(file, [&](const std::string&, Band band) {
        band.decoupled = decoupled;
        bands.push_back(std::move(band));
    });
    return std::make_unique<const Model>(std::move(family), std::move(full.dictionary), std::move(full.points), how,
                                         uniform_checks, std::move(full.modes), std::move(bands));
}

// The box (n) each of initial values.
inline std::pair<Eigen::VectorXd, Eigen::VectorXd> read_box(const nlohmann::json& meta) {
    const auto y0 = entry<std::vector<double>>(meta, "y0");
    std::vector<double> low = y0, high = y0;
    if (const auto& box = entry<nlohmann::json>(meta, "y0_range"); !box.is_null()) {
        if (box.size() != y0.size()) refuse("the family's y0_range must be one pair for each state");
        const auto ranges = entry<std::vector<std::pair<double, double>>>(meta, "y0_range");
        for (std::size_t i = 0; i < y0.size(); ++i) low[i] = ranges[i].first, high[i] = ranges[i].second;
    }
    return {vector_of(low), vector_of(high)};
}

inline std::unique_ptr<const NonlinearModel> read_nonlinear_model(Safetensors& file, const nlohmann::json& meta,
                                                                  Family family) {
    const auto options = parse(file, "compile");
    read_full(file, options);
    std::vector<NonlinearBand> bands;
    read_bands(file, [&](const std::string& prefix, Band band) {
        bands.push_back({std::move(band), file.take_vector<double>(prefix + "x"),
                         file.take_vector<std::int32_t>(prefix + "equation"),
                         file.take_matrix<std::int32_t>(prefix + "powers"),
                         file.take_matrix<double>(prefix + "guess")});
    });
    const auto [low, high] = read_box(meta);
    return std::make_unique<const NonlinearModel>(std::move(family),
                                                  Starts{vector_of(entry<std::vector<double>>(meta, "y0")), low, high},
                                                  std::move(bands), entry<std::int64_t>(options, "uniform_checks"));
}

inline Chains read_chains(Safetensors& file, const nlohmann::json& meta, const Family& family, bool own_start) {
    constexpr double held = 0.5;  // the least share of a cell's members that are solved, for it to be tried
    const auto options = entry<nlohmann::json>(parse(file, "compile"), "chains");
    const auto shares = entry<std::vector<double>>(options, "shares");
    const auto [low, high] = read_box(meta);
    std::vector<ChainCoordinate> coordinates;
    for (Eigen::Index k = 0; k < family.n_parameters(); ++k)
        if (family.low[k] < family.high[k])
            coordinates.push_back({k, false, family.low[k] > 0, family.low[k], family.high[k]});
    for (Eigen::Index i = 0; i < family.n; ++i)
        if (low[i] < high[i]) coordinates.push_back({i, true, false, low[i], high[i]});
    std::vector<ChainCell> cells;
    for (std::size_t k = 0; k < shares.size(); ++k) {
        const std::string prefix = "chains." + std::to_string(k) + ".";
        ChainCell cell{file.take_vector<double>(prefix + "low"),
                       file.take_vector<double>(prefix + "high"),
                       shares[k] >= held,
                       file.take_matrix<float>(prefix + "lengths"),
                       {},
                       {}};
        if (family.nonlinear()) cell.values = file.take_matrix<float>(prefix + "values");
        cell.counts = {cell.lengths.rows()};
        cells.push_back(std::move(cell));
    }
    if (options.contains("segments")) {
        const auto counts = entry<std::vector<std::vector<Eigen::Index>>>(options, "segments");
        if (counts.size() != cells.size()) refuse("the segments of compiled windows must be those of each cell");
        for (std::size_t k = 0; k < cells.size(); ++k) cells[k].counts = counts[k];
    }
    const auto y0 = entry<std::vector<double>>(meta, "y0");
    const bool any = own_start || !entry<nlohmann::json>(meta, "y0_range").is_null();
    return Chains(family.n, std::move(coordinates), file.take_matrix<std::int32_t>("chains.powers"), std::move(cells),
                  entry<double>(options, "tolerance"), any ? Eigen::VectorXd() : vector_of(y0));
}

inline std::unique_ptr<const WindowModel> read_window_model(Safetensors& file, const nlohmann::json& meta,
                                                            const Family& family) {
    read_full(file, parse(file, "compile"));
    WindowModel::Rest rest{vector_of(entry<std::vector<double>>(meta, "y0"))};
    for (const auto& [name, program] : {std::pair("start", &rest.start), std::pair("stops", &rest.stops)})
        if (file.has(std::string("family.") + name + "."))
            program->emplace(read_program(file, name, family.n_parameters()));
    const auto states = entry<std::vector<std::string>>(meta, "states");
    if (meta.contains("positive"))
        for (const auto& state : entry<std::vector<std::string>>(meta, "positive")) {
            const auto found = std::find(states.begin(), states.end(), state);
            if (found == states.end()) refuse("the family's positive states must be some of its states");
            rest.positive.push_back(found - states.begin());
        }
    auto chains = read_chains(file, meta, family, rest.start.has_value());
    return std::make_unique<const WindowModel>(family, std::move(rest), std::move(chains));
}

// The names of its parameters go to `names`.
inline Family read_family(Safetensors& file, const nlohmann::json& meta, Eigen::Index n,
                          std::vector<std::string>& names) {
    std::vector<double> low, high;
    for (const auto& parameter : entry<std::vector<nlohmann::json>>(meta, "params")) {
        names.push_back(entry<std::string>(parameter, "name"));
        const auto [first, last] = entry<std::pair<double, double>>(parameter, "solve");
        low.push_back(first);
        high.push_back(last);
    }
    if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
        refuse("the family's parameters have names that are not distinct");
    Eigen::Index stiffness = -1;
    if (!meta.contains("stiffness") || !meta["stiffness"].is_null()) {
        const auto found = std::find(names.begin(), names.end(), entry<std::string>(meta, "stiffness"));
        if (found == names.end()) refuse("the family's stiffness is none of its parameters");
        stiffness = found - names.begin();
        if (!(low[static_cast<std::size_t>(stiffness)] > 0))
            refuse("the stiffness parameter must have a positive range");
    }

    const auto P = static_cast<Eigen::Index>(names.size());
    const auto optional = [&](const std::string& name, Eigen::Index states = 0) {
        return file.has("family." + name + ".") ? std::optional(read_program(file, name, P, states)) : std::nullopt;
    };
    auto A = read_program(file, "A", P), b = read_program(file, "b", P);
    Family family{n,
                  A,
                  b,
                  optional("theta"),
                  optional("parts"),
                  vector_of(low),
                  vector_of(high),
                  stiffness,
                  optional("N", n),
                  optional("J", n),
                  optional("switches", n)};
    family.validate();
    return family;
}

// Of families that are nonlinear, linear or either; the rest is up to read_model(file, meta, family).
enum class Kind { linear, nonlinear, either };

template <class Loaded, class Read>
Loaded read(Safetensors& file, Kind kind, const Read& read_model) {
    const auto meta = parse(file, "family");
    const auto states = entry<std::vector<std::string>>(meta, "states");
    const auto y0 = entry<std::vector<double>>(meta, "y0");
    if (states.empty() || y0.size() != states.size()) refuse("the family's y0 must be one number for each state");
    std::vector<std::string> names;
    auto family = read_family(file, meta, static_cast<Eigen::Index>(states.size()), names);
    if (kind != Kind::either && family.nonlinear() != (kind == Kind::nonlinear))
        refuse(family.nonlinear() ? "the family is nonlinear: use load_nonlinear"
                                  : "the family is linear: use stlfast::load");
    auto t_span = read_program(file, "t_span", family.n_parameters());
    if (t_span.n_outputs() != 2) refuse("the family's t_span must have 2 outputs");
    const Eigen::VectorXd low = family.low, high = family.high;
    auto model = read_model(file, meta, std::move(family));
    file.finish();
    LoadedFamily loaded{entry<std::string>(meta, "name"), states, names, low, high, vector_of(y0), std::move(t_span)};
    return {std::move(loaded), std::move(model)};
}

inline void check_version(const Safetensors& file) {
    if (!file.has_metadata("format") || file.metadata("format") != "stlfast")
        file.fail("a safetensors file, but no stlfast model (no format 'stlfast')");
    const auto& version = file.metadata("format_version");
    for (int known = 1; known <= newest_version; ++known)
        if (version == std::to_string(known)) return;
    file.fail("has format version '" + version.substr(0, 20) + "', this stlfast reads up to " +
              std::to_string(newest_version) + ": upgrade stlfast");
}

inline bool of_fields(Safetensors& file) {
    if (file.metadata("format_version") == "4") return true;
    try {
        const auto meta = parse(file, "family");
        return meta.is_object() && meta.value("kind", nlohmann::json()) == "pde";
    } catch (const std::logic_error&) {
        return false;  // reading it says what is wrong
    }
}

inline bool on_windows(const Safetensors& file) { return file.metadata("format_version") == "6"; }

template <class Loaded, class Read>
Loaded open(const std::string& path, Kind kind, const Read& read_model) {
    Safetensors file(path);
    check_version(file);
    if (on_windows(file) != (kind == Kind::either))
        file.fail(kind == Kind::either ? "no model on compiled windows: stlfast::open (stlfast/open.hpp) opens any"
                                       : "a model on compiled windows: open it with load_windows");
    if (of_fields(file)) file.fail("a model of PDEs: open it with load_fields (stlfast/field_io.hpp)");
    try {
        return read<Loaded>(file, kind, read_model);
    } catch (const std::logic_error& error) {  // what the core throws for numbers that make no sense
        file.fail(std::string("broken: ") + error.what());
    }
}

}  // namespace model_file

inline LoadedModel load(const std::string& path) {
    return model_file::open<LoadedModel>(path, model_file::Kind::linear, model_file::read_model);
}

inline LoadedNonlinearModel load_nonlinear(const std::string& path) {
    return model_file::open<LoadedNonlinearModel>(path, model_file::Kind::nonlinear, model_file::read_nonlinear_model);
}

inline LoadedWindowModel load_windows(const std::string& path) {
    return model_file::open<LoadedWindowModel>(path, model_file::Kind::either, model_file::read_window_model);
}

}  // namespace STLFAST_NAMESPACE
