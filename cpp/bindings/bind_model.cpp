// Family, Points, Model, Answer and the compiler.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include "stlfast/compile.hpp"
#include "stlfast/member.hpp"
#include "swept.hpp"

namespace py = pybind11;
using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace STLFAST_NAMESPACE::model_bindings {

using BandTuple = std::tuple<py::object, py::object, double, py::object>;
using ModesTuple = std::tuple<py::object, py::object, py::object>;

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
                                  bool shared_head, const std::string& solver, bool decoupled, Index uniform_checks,
                                  const ModesTuple& modes, const std::vector<BandTuple>& bands) {
    std::vector<Band> converted;
    for (const auto& [low, high, tau, coefficients] : bands)
        converted.push_back(
            {vector_of(low, "low"), vector_of(high, "high"), tau, matrix_of(coefficients, "coefficients"), decoupled});
    const FullOptions options{shared_head, least_squares_from(solver), decoupled};
    return std::make_unique<Model>(family, dictionary, points, options, uniform_checks, modes_of(modes),
                                   std::move(converted));
}

// reduced: None for what is best, True or False for the one or the other alone.
SolveOptions options_of(const py::object& reduced, const py::object& certify, const py::object& rtol,
                        const py::object& atol) {
    const Space space = reduced.is_none()                                     ? Space::automatic
                        : truth_of(reduced, "reduced", "True, False or None") ? Space::reduced
                                                                              : Space::full;
    return {truth_of(certify, "certify"), {tolerance_of(rtol, "rtol"), tolerance_of(atol, "atol")}, space};
}

// NumPy's (n, N) in C order is Eigen's (N, n) in column order.
MatrixXd forcing_of(const Model& model, const py::object& added) {
    const auto array = checked_array<double>(added, "added", 2);
    const Index n = model.family().n, rows = model.forcing_points().size();
    if (array.shape(0) != n || array.shape(1) != rows)
        throw py::value_error("added must have shape " + shape_text({n, rows}) + ", got " +
                              shape_text(shape_of(array)));
    return Eigen::Map<const MatrixXd>(array.data(), rows, n);
}

// The answer, its values (n, N) at the points x, or on the output grid where x is None, and whether it is within the
// tolerance: an attribute of the answer as well, but looking that up takes a tenth of a solve.
py::tuple solve(const Model& model, const py::dict& params, const py::tuple& names, const py::object& y0,
                const py::object& reduced, const py::object& certify, const py::object& rtol, const py::object& atol,
                const py::object& added, const py::object& x) {
    const Index n = model.family().n;
    const VectorXd p = parameters_of(model.family(), params, names);
    Data data{as_vector(finite_array(y0, "y0", {n})), true, {}};
    if (!added.is_none()) data.added = forcing_of(model, added);
    const SolveOptions options = options_of(reduced, certify, rtol, atol);
    auto answer = std::make_unique<Answer>();
    const VectorXd points = x.is_none() ? VectorXd() : vector_of(x, "x");
    const Index N = x.is_none() ? model.output().x().size() : points.size();
    py::array_t<double> y({n, N});
    Eigen::Map<MatrixXd> values(y.mutable_data(), N, n);
    {
        const py::gil_scoped_release release;
        thread_local Model::Workspace workspace;
        model.solve(p, data, options, *answer, workspace);
        if (points.size() > 0)
            model.evaluate(*answer, points, values);
        else if (N > 0)
            model.output().evaluate(*answer, values);
    }
    const bool within = answer->within;
    return py::make_tuple(std::move(answer), std::move(y), within);
}

Answer certify_heads(const Model& model, const py::object& parameters, const py::object& y0, const py::object& heads) {
    const VectorXd p = vector_of(parameters, "parameters", model.family().n_parameters());
    const Data data{as_vector(finite_array(y0, "y0", {model.family().n})), true, {}};
    Answer answer;
    const auto W = finite_array(heads, "heads", {model.dictionary().size(), model.family().n});
    answer.heads = Eigen::Map<const RowMajor>(W.data(), W.shape(0), W.shape(1));
    const py::gil_scoped_release release;
    Model::Workspace workspace;
    model.certify_heads(p, data, {0, 0}, answer, workspace);
    return answer;
}

// Chebyshev coefficients (D, n) of an answer in a band, or its heads (M, n).
MatrixXd coefficients(const Model& model, const Answer& answer) {
    return answer.band < 0 ? answer.heads : model.expansion(answer);
}

std::unique_ptr<Member> make_member(const Model& model, const OutputTable& output, const py::object& parameters,
                                    const std::vector<py::object>& forcings, const py::object& reduced,
                                    const py::object& certify, const py::object& rtol, const py::object& atol) {
    const VectorXd p = vector_of(parameters, "parameters", model.family().n_parameters());
    std::vector<MatrixXd> sampled;
    for (const auto& forcing : forcings) sampled.push_back(forcing_of(model, forcing));
    const SolveOptions options = options_of(reduced, certify, rtol, atol);
    const py::gil_scoped_release release;
    return std::make_unique<Member>(model, output, p, std::move(sampled), options);
}

// As `solve`; the values (n, E) are written to out where that is given.
py::tuple solve_member(const Member& member, const py::object& y0, const py::object& amplitudes, const py::object& out,
                       const py::object& further) {
    const Index n = member.model().family().n, E = member.output().x().size();
    const auto start = finite_array(y0, "y0", {n});
    const auto factors =
        amplitudes.is_none() ? py::array_t<double>(0) : finite_array(amplitudes, "amplitudes", {member.forcings()});
    auto y = out.is_none() ? py::array_t<double>({n, E}) : output_array(out, {n, E});
    auto answer = std::make_unique<Answer>();
    // which may share memory with out
    const VectorXd v = as_vector(start);
    const VectorXd a = as_vector(factors);
    const MatrixXd added = further.is_none() ? MatrixXd() : forcing_of(member.model(), further);
    Eigen::Map<MatrixXd> values(y.mutable_data(), E, n);
    {
        const py::gil_scoped_release release;
        thread_local Member::Workspace workspace;
        const bool own = amplitudes.is_none();
        if (!further.is_none())
            member.solve(v, own ? VectorXd::Ones(member.forcings()).eval() : a, added, values, *answer, workspace);
        else if (own)
            member.solve(v, values, *answer, workspace);
        else
            member.solve(v, a, values, *answer, workspace);
    }
    const bool within = answer->within;
    return py::make_tuple(std::move(answer), std::move(y), within);
}

py::tuple solve_queries(const Model& model, const OutputTable& output, Index B, const py::object& parameters,
                        const py::object& y0, bool final, bool maximum, const py::object& reduced,
                        const py::object& certify, const py::object& rtol, const py::object& atol, int threads,
                        const py::object& out, const py::object& progress) {
    const SolveOptions options = options_of(reduced, certify, rtol, atol);
    return swept(
        model.family().n, output.x().size(), B, parameters, y0, final, maximum, options.certify, out, progress,
        [&](const Queries& queries, Observe observe, const SweepResults& results, const SweepProgress& report) {
            solve_many(model, output, queries, {options, threads, observe}, results, report);
        });
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
    py::class_<Family>(module, "Family", "A family of equations in normalised time, as instruction lists.")
        .def(py::init([](Index n, const Program& A, const Program& b, const std::optional<Program>& theta,
                         const std::optional<Program>& parts, const py::object& low, const py::object& high,
                         Index stiffness, const std::optional<Program>& N, const std::optional<Program>& J,
                         const std::optional<Program>& switches) {
                 Family family{n,         A, b, theta,   parts, vector_of(low, "low"), vector_of(high, "high"),
                               stiffness, N, J, switches};
                 family.validate();
                 return family;
             }),
             py::arg("n"), py::arg("A"), py::arg("b"), py::arg("theta"), py::arg("parts"), py::arg("low"),
             py::arg("high"), py::arg("stiffness"), py::arg("N") = py::none(), py::arg("J") = py::none(),
             py::arg("switches") = py::none());
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
                const Newton& newton = answer.newton;
                return py::make_tuple(answer.band, to_numpy(answer.c), to_numpy(answer.heads), answer.certified,
                                      answer.within, to_numpy(answer.bound), newton.converged, newton.iterations,
                                      newton.last_step, newton.residual);
            },
            [](const py::tuple& state) {
                return Answer{
                    state[0].cast<Index>(),
                    vector_of(state[1], "c"),
                    matrix_of(state[2], "heads"),
                    state[3].cast<bool>(),
                    state[4].cast<bool>(),
                    vector_of(state[5], "bound"),
                    {state[6].cast<bool>(), state[7].cast<Index>(), state[8].cast<double>(), state[9].cast<double>()}};
            }))
        .def_readonly("band", &Answer::band, "Index of the band that answered, −1 for the full dictionary.")
        .def_readonly("within", &Answer::within, "Whether the bound meets the tolerance.")
        .def_readonly("certified", &Answer::certified, "Whether there is a bound.")
        .def_property_readonly("converged", [](const Answer& answer) { return answer.newton.converged; })
        .def_property_readonly("iterations", [](const Answer& answer) { return answer.newton.iterations; })
        .def_property_readonly("last_step", [](const Answer& answer) { return answer.newton.last_step; })
        .def_property_readonly("residual", [](const Answer& answer) { return answer.newton.residual; })
        .def_property_readonly("bound", [](const Answer& answer) { return to_numpy(answer.bound); });
}

void bind_member(py::module_& module) {
    py::class_<OutputTable>(module, "OutputTable", "The functions of a model, tabulated at output points.")
        .def_property_readonly("x", [](const OutputTable& output) { return to_numpy(output.x()); });
    py::class_<Member>(module, "Member", "One member with everything that depends on its parameters done once.")
        .def(py::init(&make_member), py::arg("model"), py::arg("output"), py::arg("parameters"), py::arg("forcings"),
             py::arg("reduced"), py::arg("certify"), py::arg("rtol"), py::arg("atol"), py::keep_alive<1, 2>(),
             py::keep_alive<1, 3>())
        .def("solve", &solve_member, py::arg("y0"), py::arg("amplitudes"), py::arg("out"),
             py::arg("further") = py::none());
}

}  // namespace STLFAST_NAMESPACE::model_bindings

void bind_model(py::module_& module) {
    using namespace model_bindings;
    bind_problem(module);
    bind_answer(module);
    py::class_<Model>(module, "Model", "A compiled family; immutable, shared between threads.")
        .def(py::init(&make_model), py::arg("family"), py::arg("dictionary"), py::arg("points"), py::arg("shared_head"),
             py::arg("solver"), py::arg("decoupled"), py::arg("uniform_checks"), py::arg("modes"), py::arg("bands"))
        .def("solve", &solve, py::arg("params"), py::arg("names"), py::arg("y0"), py::arg("reduced"),
             py::arg("certify"), py::arg("rtol"), py::arg("atol"), py::arg("added"), py::arg("x"))
        .def("solve_many", &solve_queries, py::arg("output"), py::arg("count"), py::arg("parameters"), py::arg("y0"),
             py::arg("final"), py::arg("maximum"), py::arg("reduced"), py::arg("certify"), py::arg("rtol"),
             py::arg("atol"), py::arg("threads"), py::arg("out"), py::arg("progress"))
        .def("certify_heads", &certify_heads, py::arg("parameters"), py::arg("y0"), py::arg("heads"))
        .def("evaluate", &evaluated<Model>, py::arg("answer"), py::arg("x"), "Values (n, N) at the points x (N).")
        .def("coefficients",
             [](const Model& model, const Answer& answer) { return to_numpy(coefficients(model, answer)); })
        .def_property_readonly("forcing_points", [](const Model& m) { return to_numpy(m.forcing_points()); })
        .def(
            "output_table",
            [](const Model& model, const py::object& x) {
                return std::make_unique<OutputTable>(model.bands(), &model.dictionary(), model.family().n,
                                                     vector_of(x, "x"));
            },
            py::arg("x"), py::keep_alive<0, 1>())
        .def_property_readonly("output", &Model::output, py::return_value_policy::reference_internal);
    bind_member(module);
    module.def("uniform_checks", &uniform_checks, py::arg("family"));
    module.def("compile_forcing",
               [](const Family& family, const Points& points) { return to_tuple(compile_forcing(family, points)); });
    module.def("compile_bands", &compile, py::arg("model"), py::arg("tolerance"), py::arg("max_rank"),
               py::arg("max_bands"), py::arg("progress"));
}
