// Loads the model files of linear families of PDEs. Part of stlfast::io, which needs nlohmann_json.
//
//   const auto loaded = stlfast::load_fields("advection_reaction.safetensors");
//   loaded.model->factor(parameters, member, workspace);
//   loaded.model->solve(member, data, true, {}, answer, workspace);
//
// The file has format version 4 or 5 and, besides the family's programs, these float64 arrays; n fields, M data of a
// field, d space coordinates, C_t check times, and what field_band.hpp says of a band:
//
//   mixing            (n, n)
//   check_times       (C_t)
//   data.points       (M, d + 1) where data are taken, scaled to [0, 1], time last: initial points, then the sides'
//   data.weights      (M)
//   groups.g.k.NAME   band k of group g, NAME each member of FieldBand
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "stlfast/field_model.hpp"
#include "stlfast/io.hpp"

namespace STLFAST_NAMESPACE {

struct LoadedFieldModel {
    std::string name;
    std::vector<std::string> coordinates, fields, parameter_names;
    Eigen::MatrixXd data_points;  // (M, d + 1)
    std::unique_ptr<const FieldModel> model;
};

// Throws FileError, which says what is wrong, for a file that is missing, truncated, broken, or no model of PDEs.
LoadedFieldModel load_fields(const std::string& path);

// --------------------------------------------------------------------------------------------------- implementation
namespace model_file {

inline FieldBand read_field_band(Safetensors& file, const std::string& prefix) {
    const auto vector = [&](const char* name) { return file.take_vector<double>(prefix + name); };
    const auto matrix = [&](const char* name) { return file.take_matrix<double>(prefix + name); };
    const auto tau = vector("tau");
    if (tau.size() != 1) refuse("tensor '" + prefix + "tau' must be one number");
    return {vector("low"),   vector("high"),   vector("centre"),  matrix("space"),
            tau[0],          matrix("time"),   matrix("core"),    matrix("gram"),
            matrix("right"), matrix("checks"), matrix("reaction")};
}

inline LoadedFieldModel read_fields(Safetensors& file) {
    const auto meta = parse(file, "family"), compiled = parse(file, "compile");
    const auto options = entry<nlohmann::json>(compiled, "options");
    LoadedFieldModel loaded;
    loaded.name = entry<std::string>(meta, "name");
    loaded.coordinates = entry<std::vector<std::string>>(meta, "coordinates");
    loaded.fields = entry<std::vector<std::string>>(meta, "fields");
    std::vector<double> low, high;
    for (const auto& parameter : entry<std::vector<nlohmann::json>>(meta, "params")) {
        loaded.parameter_names.push_back(entry<std::string>(parameter, "name"));
        const auto [first, last] = entry<std::pair<double, double>>(parameter, "solve");
        low.push_back(first), high.push_back(last);
    }
    std::vector<bool> periodic(loaded.coordinates.size(), false);
    for (const auto& condition : entry<std::vector<nlohmann::json>>(meta, "conditions"))
        if (entry<std::string>(condition, "kind") == "periodic")
            periodic.at(entry<std::size_t>(condition, "axis")) = true;
    const auto sizes = entry<std::vector<Eigen::Index>>(options, "space");
    if (sizes.size() != periodic.size()) refuse("the options must have a number of functions for each coordinate");

    loaded.data_points = file.take_matrix<double>("data.points");
    if (loaded.data_points.cols() != Eigen::Index(sizes.size()) + 1) refuse("data.points must be (M, d + 1)");
    FieldPoints points{file.take_vector<double>("data.weights"), loaded.data_points.rightCols(1),
                       file.take_vector<double>("check_times"), entry<Eigen::Index>(compiled, "check_spaces")};
    FieldModel::Definition definition{read_program(file, "theta", Eigen::Index(low.size())),
                                      entry<std::vector<Eigen::Index>>(compiled, "varying"),
                                      vector_of(low),
                                      vector_of(high),
                                      file.take_matrix<double>("mixing"),
                                      {},
                                      std::move(points),
                                      {}};
    for (std::size_t k = 0; k < sizes.size(); ++k) definition.axes.push_back({periodic[k], sizes[k]});
    for (const auto& fields : entry<std::vector<std::vector<Eigen::Index>>>(compiled, "groups")) {
        const auto group = "groups." + std::to_string(definition.groups.size()) + ".";
        definition.groups.push_back({fields, {}});
        for (int k = 0; file.has(group + std::to_string(k) + "."); ++k)
            definition.groups.back().bands.push_back(read_field_band(file, group + std::to_string(k) + "."));
    }
    loaded.model = std::make_unique<const FieldModel>(std::move(definition));
    return loaded;
}

}  // namespace model_file

inline LoadedFieldModel load_fields(const std::string& path) {
    Safetensors file(path);
    model_file::check_version(file);
    if (!model_file::of_fields(file)) file.fail("no stlfast model of PDEs, but one of ordinary differential equations");
    try {
        return model_file::read_fields(file);
    } catch (const std::logic_error& error) {  // what the core throws for numbers that make no sense
        file.fail(std::string("broken: ") + error.what());
    }
}

}  // namespace STLFAST_NAMESPACE
