// Family, Points, Model, Answer and the compiler.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include "arrays.hpp"
#include "stlfast/compile.hpp"
#include "stlfast/model.hpp"

namespace py = pybind11;
using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using BandTuple = std::tuple<py::object, py::object, double, py::object>;
using ModesTuple = std::tuple<py::object, py::object, py::object>;

VectorXd vector_of(const py::object& object, const std::string& name, Index size = -1) {
    const auto array = checked_array<double>(object, name, 1);
    if (size >= 0 && array.size() != size)
        throw py::value_error(name + " has " + std::to_string(array.size()) + " entries, expected " +
                              std::to_string(size));
    return as_vector(array);
}

MatrixXd matrix_of(const py::object& object, const std::string& name) {
    const auto array = checked_array<double>(object, name, 2);
    return Eigen::Map<const RowMajor>(array.data(), array.shape(0), array.shape(1));
}

// NumPy's (n, N) in C order is Eigen's (N, n) in column order.
Eigen::Map<const MatrixXd> transposed(const py::array_t<double>& array) {
    return {array.data(), array.shape(1), array.shape(0)};
}

ForcingModes modes_of(const ModesTuple& modes) {
    return {matrix_of(std::get<0>(modes), "g"), vector_of(std::get<1>(modes), "magic"),
            matrix_of(std::get<2>(modes), "interpolate")};
}

py::tuple to_tuple(const ForcingModes& modes) {
    return py::make_tuple(to_numpy(modes.g), to_numpy(modes.magic), to_numpy(modes.interpolate));
}

py::tuple to_tuple(const Band& band) {
    return py::make_tuple(to_numpy(band.low), to_numpy(band.high), band.tau, to_numpy(band.coefficients));
}

std::unique_ptr<Model> make_model(const Family& family, const Dictionary& dictionary, const Points& points,
                                  bool shared_head, const std::string& solver, Index uniform_checks,
                                  const ModesTuple& modes, const std::vector<BandTuple>& bands) {
    if (uniform_checks < 0 || uniform_checks > 1 << 20)
        throw py::value_error("uniform_checks is " + std::to_string(uniform_checks) + ", expected 0 … 1048576");
    std::vector<Band> converted;
    for (const auto& [low, high, tau, coefficients] : bands)
        converted.push_back(
            {vector_of(low, "low"), vector_of(high, "high"), tau, matrix_of(coefficients, "coefficients")});
    return std::make_unique<Model>(family, dictionary, points, FullOptions{shared_head, least_squares_from(solver)},
                                   uniform_checks, modes_of(modes), std::move(converted));
}

Data data_of(const Model& model, const py::object& y0, bool own_forcing, const py::object& added) {
    Data data{vector_of(y0, "y0", model.family().n), own_forcing, {}};
    if (!added.is_none()) {
        const auto array = checked_array<double>(added, "added", 2);
        const Index rows = model.forcing_points().size();
        if (array.shape(0) != model.family().n || array.shape(1) != rows)
            throw py::value_error("added has the wrong shape, expected (" + std::to_string(model.family().n) + ", " +
                                  std::to_string(rows) + ")");
        data.added = transposed(array);
    }
    return data;
}

py::array_t<double> evaluated(const Model& model, const Answer& answer, const py::object& x) {
    const Index n = model.family().n;
    const bool grid = x.is_none();
    const VectorXd points = grid ? model.output_grid() : vector_of(x, "x");
    py::array_t<double> y({n, points.size()});
    Eigen::Map<MatrixXd> values(y.mutable_data(), points.size(), n);
    py::gil_scoped_release release;
    if (grid)
        model.evaluate_grid(answer, values);
    else
        model.evaluate(answer, points, values);
    return y;
}

Answer solve(const Model& model, const py::object& parameters, const py::object& y0, bool full, bool certify,
             double rtol, double atol, bool own_forcing, const py::object& added) {
    const VectorXd p = vector_of(parameters, "parameters", model.family().n_parameters());
    const Data data = data_of(model, y0, own_forcing, added);
    py::gil_scoped_release release;
    thread_local BandOperators::Workspace workspace;
    return model.solve(p, data, full, certify, {rtol, atol}, workspace);
}

Answer certify_heads(const Model& model, const py::object& parameters, const py::object& y0, const py::object& heads,
                     double rtol, double atol) {
    const VectorXd p = vector_of(parameters, "parameters", model.family().n_parameters());
    const Data data = data_of(model, y0, true, py::none());
    Answer answer;
    answer.a = matrix_of(heads, "heads");
    if (answer.a.rows() != model.full_space().dictionary().size() || answer.a.cols() != model.family().n)
        throw py::value_error("heads have the wrong shape, expected (" +
                              std::to_string(model.full_space().dictionary().size()) + ", " +
                              std::to_string(model.family().n) + ")");
    py::gil_scoped_release release;
    Certificate::Workspace workspace;
    model.certify_heads(p, data, answer, {rtol, atol}, workspace);
    return answer;
}

py::tuple compile(const Model& model, double tolerance, Index max_rank, int max_bands,
                  const std::function<void(double)>& progress) {
    const auto compiled = [&] {
        py::gil_scoped_release release;
        return compile_bands(model, {tolerance, max_rank, max_bands}, [&](double share) {
            const py::gil_scoped_acquire acquire;
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            progress(share);
        });
    }();
    py::list bands;
    for (const auto& band : compiled.bands) bands.append(to_tuple(band));
    return py::make_tuple(bands, compiled.tolerance);
}

void bind_problem(py::module_& module) {
    py::class_<Family>(module, "Family", "A family of linear equations in normalised time, as instruction lists.")
        .def(py::init([](Index n, const Program& A, const Program& b, const std::optional<Program>& theta,
                         const std::optional<Program>& parts, const py::object& low, const py::object& high,
                         Index stiffness) {
                 Family family{n, A, b, theta, parts, vector_of(low, "low"), vector_of(high, "high"), stiffness};
                 family.validate();
                 return family;
             }),
             py::arg("n"), py::arg("A"), py::arg("b"), py::arg("theta"), py::arg("parts"), py::arg("low"),
             py::arg("high"), py::arg("stiffness"));
    py::class_<Points>(module, "Points", "Collocation points in normalised time and their row weights.")
        .def_static("log_time", &log_time_points, py::arg("N"), py::arg("tau"))
        .def_static(
            "given",
            [](const py::object& x, bool quadrature) { return weighted_points(vector_of(x, "points"), quadrature); },
            py::arg("x"), py::arg("quadrature"))
        .def_property_readonly("x", [](const Points& points) { return to_numpy(points.x); })
        .def_property_readonly("weight", [](const Points& points) { return to_numpy(points.weight); });
}

void bind_answer(py::module_& module) {
    py::class_<Answer>(module, "Answer", "A solution as coefficients, with its certificate.")
        .def(py::pickle(
            [](const Answer& answer) {
                return py::make_tuple(answer.band, to_numpy(answer.a), to_numpy(answer.c), to_numpy(answer.bound),
                                      to_numpy(answer.scale), answer.within);
            },
            [](const py::tuple& state) {
                Answer answer;
                answer.band = state[0].cast<Index>();
                answer.a = matrix_of(state[1], "a");
                answer.c = vector_of(state[2], "c");
                answer.bound = vector_of(state[3], "bound");
                answer.scale = vector_of(state[4], "scale");
                answer.within = state[5].cast<bool>();
                return answer;
            }))
        .def_readonly("band", &Answer::band, "Index of the band that answered, −1 for the full dictionary.")
        .def_readonly("within", &Answer::within, "Whether the bound meets the tolerance.")
        .def_property_readonly("a", [](const Answer& answer) { return to_numpy(answer.a); })
        .def_property_readonly("bound",
                               [](const Answer& answer) -> py::object {
                                   if (answer.bound.size() == 0) return py::none();
                                   return to_numpy(answer.bound);
                               })
        .def_property_readonly("scale", [](const Answer& answer) { return to_numpy(answer.scale); });
}

}  // namespace

void bind_model(py::module_& module) {
    bind_problem(module);
    bind_answer(module);
    py::class_<Model>(module, "Model", "A compiled family; immutable, shared between threads.")
        .def(py::init(&make_model), py::arg("family"), py::arg("dictionary"), py::arg("points"), py::arg("shared_head"),
             py::arg("solver"), py::arg("uniform_checks"), py::arg("modes"), py::arg("bands"))
        .def("solve", &solve, py::arg("parameters"), py::arg("y0"), py::arg("full"), py::arg("certify"),
             py::arg("rtol"), py::arg("atol"), py::arg("own_forcing"), py::arg("added"))
        .def("certify_heads", &certify_heads, py::arg("parameters"), py::arg("y0"), py::arg("heads"), py::arg("rtol"),
             py::arg("atol"))
        .def("evaluate", &evaluated, py::arg("answer"), py::arg("x"), "Values (n, N); x None for the output grid.")
        .def_property_readonly("forcing_points", [](const Model& m) { return to_numpy(m.forcing_points()); })
        .def_property_readonly("output_grid", [](const Model& m) { return to_numpy(m.output_grid()); });
    module.def("uniform_checks", &uniform_checks, py::arg("family"));
    module.def("compile_forcing",
               [](const Family& family, const Points& points) { return to_tuple(compile_forcing(family, points)); });
    module.def("compile_bands", &compile, py::arg("model"), py::arg("tolerance"), py::arg("max_rank"),
               py::arg("max_bands"), py::arg("progress"));
}
