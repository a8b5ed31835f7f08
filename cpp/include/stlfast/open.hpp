// Opens a model file, whichever of the four kinds of model it holds.
#pragma once

#include <string>
#include <variant>

#include "stlfast/field_io.hpp"
#include "stlfast/io.hpp"

namespace STLFAST_NAMESPACE {

using LoadedAny = std::variant<LoadedModel, LoadedNonlinearModel, LoadedFieldModel, LoadedWindowModel>;

// Throws FileError as the loaders do; std::visit or std::get_if says what came. Nonlinear PDEs have no model in C++.
inline LoadedAny open(const std::string& path) {
    Safetensors file(path);
    model_file::check_version(file);
    if (model_file::of_fields(file)) return load_fields(path);
    if (model_file::on_windows(file)) return load_windows(path);
    if (file.has("family.N.")) return load_nonlinear(path);
    return load(path);
}

}  // namespace STLFAST_NAMESPACE
