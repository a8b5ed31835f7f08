// FieldModel: compiled linear families of PDEs.
#include <pybind11/stl.h>

#include <memory>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "stlfast/field_sweep.hpp"

namespace py = pybind11;
using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace STLFAST_NAMESPACE::field_model_bindings {

// low, high, centre, space, tau, time, core, gram, right, checks, reaction
using BandTuple = std::tuple<py::object, py::object, py::object, py::object, double, py::object, py::object, py::object,
                             py::object, py::object, py::object>;
using GroupTuple = std::pair<std::vector<Index>, std::vector<BandTuple>>;

FieldBand band_of(const BandTuple& band) {
    const auto& [low, high, centre, space, tau, time, core, gram, right, checks, reaction] = band;
    return {vector_of(low, "low"),
            vector_of(high, "high"),
            vector_of(centre, "centre"),
            matrix_of(space, "space"),
            tau,
            matrix_of(time, "time"),
            matrix_of(core, "core"),
            matrix_of(gram, "gram"),
            matrix_of(right, "right"),
            matrix_of(checks, "checks"),
            matrix_of(reaction, "reaction")};
}

std::unique_ptr<FieldModel> make_model(const Program& theta, const std::vector<Index>& varying, const py::object& low,
                                       const py::object& high, const py::object& mixing,
                                       const std::vector<std::pair<bool, Index>>& axes, const py::object& weight,
                                       const py::object& time, const py::object& check_times, Index check_spaces,
                                       const std::vector<GroupTuple>& groups) {
    FieldPoints points{vector_of(weight, "weight"), vector_of(time, "time"), vector_of(check_times, "check_times"),
                       check_spaces};
    FieldModel::Definition definition{theta,
                                      varying,
                                      vector_of(low, "low"),
                                      vector_of(high, "high"),
                                      matrix_of(mixing, "mixing"),
                                      {},
                                      std::move(points),
                                      {}};
    for (const auto& [periodic, size] : axes) definition.axes.push_back({periodic, size});
    for (const auto& [fields, bands] : groups) {
        definition.groups.push_back({fields, {}});
        for (const auto& band : bands) definition.groups.back().bands.push_back(band_of(band));
    }
    return std::make_unique<FieldModel>(std::move(definition));
}

FieldModel::Workspace& workspace() {
    thread_local FieldModel::Workspace own;
    return own;
}

std::unique_ptr<FieldModel::Member> factored(const FieldModel& model, const py::object& parameters) {
    const auto p = finite_array(parameters, "parameters", {model.definition().low.size()});
    auto member = std::make_unique<FieldModel::Member>();
    const py::gil_scoped_release release;
    model.factor(p.data(), *member, workspace());
    return member;
}

py::object estimate_of(const FieldModel::FieldAnswer& answer) {
    return answer.estimate.size() ? py::object(to_numpy(answer.estimate)) : py::none();
}

// The answer and its values on the table's grid, (n, N_z, N_x).
py::tuple solve(const FieldModel& model, const FieldModel::Member& member, const py::object& data,
                const FieldTable& table, bool estimate, const py::object& rtol, const py::object& atol,
                const py::object& out) {
    const auto d = finite_array(data, "data", {model.n(), model.data_size()});
    const Tolerance tolerance{tolerance_of(rtol, "rtol"), tolerance_of(atol, "atol")};
    const py::ssize_t Nz = table.space_size(), Nx = table.time_size();
    auto u =
        out.is_none() ? py::array_t<double>({py::ssize_t(model.n()), Nz, Nx}) : output_array(out, {model.n(), Nz, Nx});
    auto answer = std::make_unique<FieldModel::FieldAnswer>();
    {
        const py::gil_scoped_release release;
        model.solve(member, d.data(), estimate, tolerance, *answer, workspace());
        table.evaluate(*answer, u.mutable_data(), workspace());
    }
    return py::make_tuple(std::move(answer), std::move(u));
}

py::array_t<double> evaluated(const FieldModel& model, const FieldModel::FieldAnswer& answer,
                              const py::object& points) {
    const MatrixXd at = matrix_of(points, "points");
    if (at.cols() != Index(model.definition().axes.size()) + 1)
        throw py::value_error("points must have one column for each coordinate and one for time");
    py::array_t<double> u({py::ssize_t(model.n()), py::ssize_t(at.rows())});
    double* const values = u.mutable_data();
    const py::gil_scoped_release release;
    model.evaluate(answer, at, values);
    return u;
}

py::tuple solve_queries(const FieldModel& model, const FieldTable& table, const py::object& parameters,
                        const py::object& data, bool estimate, const py::object& rtol, const py::object& atol,
                        int threads, const py::object& out) {
    const auto p = checked_array<double>(parameters, "parameters", 2), d = checked_array<double>(data, "data", 3);
    const py::ssize_t B = std::max(p.shape(0), d.shape(0)), n = model.n();
    if (p.shape(1) != model.definition().low.size() || (p.shape(0) != 1 && p.shape(0) != B))
        throw py::value_error("parameters must have shape (B or 1, P)");
    if (d.shape(1) != n || d.shape(2) != model.data_size() || (d.shape(0) != 1 && d.shape(0) != B))
        throw py::value_error("data must have shape (B or 1, " + std::to_string(n) + ", " +
                              std::to_string(model.data_size()) + ")");
    const py::ssize_t Nz = table.space_size(), Nx = table.time_size();
    auto u = out.is_none() ? py::array_t<double>({B, n, Nz, Nx}) : output_array(out, {B, n, Nz, Nx});
    py::array_t<bool> success(B);
    py::array_t<double> bound(estimate ? std::vector<py::ssize_t>{B, n} : std::vector<py::ssize_t>{0});
    const FieldQueries queries{B, p.data(), p.shape(0) > 1, d.data(), d.shape(0) > 1};
    const Tolerance tolerance{tolerance_of(rtol, "rtol"), tolerance_of(atol, "atol")};
    const FieldResults results{u.mutable_data(), success.mutable_data(), bound.mutable_data()};
    {
        const py::gil_scoped_release release;
        solve_many(model, table, queries, {estimate, tolerance, threads}, results, [](Index) {
            const py::gil_scoped_acquire acquire;
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        });
    }
    return py::make_tuple(std::move(u), std::move(success), estimate ? py::object(std::move(bound)) : py::none());
}

}  // namespace STLFAST_NAMESPACE::field_model_bindings

void bind_field_model(py::module_& module) {
    using namespace field_model_bindings;
    py::class_<FieldModel::Member>(module, "FieldMember", "What depends on the parameters of a member of a FieldModel.")
        .def_readonly("bands", &FieldModel::Member::bands);
    py::class_<FieldModel::FieldAnswer>(module, "FieldAnswer", "A solution of a FieldModel, as coefficients.")
        .def_property_readonly("estimate", &estimate_of)
        .def_readonly("within", &FieldModel::FieldAnswer::within);
    py::class_<FieldModel>(module, "FieldModel", "A compiled linear family of PDEs; immutable, shared between threads.")
        .def(py::init(&make_model), py::arg("theta"), py::arg("varying"), py::arg("low"), py::arg("high"),
             py::arg("mixing"), py::arg("axes"), py::arg("weight"), py::arg("time"), py::arg("check_times"),
             py::arg("check_spaces"), py::arg("groups"))
        .def("factor", &factored, py::arg("parameters"))
        .def("solve", &solve, py::arg("member"), py::arg("data"), py::arg("table"), py::arg("estimate"),
             py::arg("rtol"), py::arg("atol"), py::arg("out"))
        .def("solve_many", &solve_queries, py::arg("table"), py::arg("parameters"), py::arg("data"),
             py::arg("estimate"), py::arg("rtol"), py::arg("atol"), py::arg("threads"), py::arg("out"))
        .def("evaluate", &evaluated, py::arg("answer"), py::arg("points"),
             "Values (n, N) at scattered scaled points (N, d + 1).");
    py::class_<FieldTable>(module, "FieldTable", "The functions of a FieldModel on an output grid.")
        .def(py::init([](const FieldModel& model, const py::object& z, const py::object& x) {
                 return std::make_unique<FieldTable>(model, matrix_of(z, "z"), vector_of(x, "x"));
             }),
             py::arg("model"), py::arg("z"), py::arg("x"), py::keep_alive<1, 2>());
}
