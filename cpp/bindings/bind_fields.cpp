// FieldBody, FieldDictionary and TallLeastSquares.
#include <pybind11/stl.h>

#include <mutex>

#include "arguments.hpp"
#include "layers.hpp"
#include "stlfast/field_dictionary.hpp"
#include "stlfast/tall_least_squares.hpp"

namespace py = pybind11;
using namespace stlfast;

namespace STLFAST_NAMESPACE::fields_bindings {

using Eigen::Index;
using Eigen::MatrixXd;

FieldBody make_body(const std::vector<py::object>& weights, const std::vector<py::object>& biases,
                    const std::string& activation, const std::vector<std::pair<Index, std::string>>& inputs,
                    double tau) {
    auto layers = layers_of(weights, biases);
    std::vector<FieldInput> columns;
    for (const auto& [coordinate, kind] : inputs) columns.emplace_back(coordinate, kind, tau);
    return FieldBody(std::move(layers.weights), std::move(layers.biases), activation_from(activation),
                     std::move(columns));
}

FieldDictionary make_tensor(const std::vector<std::pair<std::string, Index>>& space, Index time, double tau) {
    std::vector<FieldDictionary::Axis> axes;
    for (const auto& [kind, functions] : space) {
        if (kind != "chebyshev" && kind != "periodic")
            throw py::value_error("an axis of space is \"" + kind + "\", expected \"chebyshev\" or \"periodic\"");
        axes.push_back({functions, kind == "periodic", InputMap("plain")});
    }
    axes.push_back({time, false, InputMap("log", tau)});
    return FieldDictionary::tensor(std::move(axes));
}

py::list evaluate(const FieldDictionary& dictionary, const py::object& points, const std::vector<Partial>& partials) {
    const MatrixXd z = matrix_of(points, "points");
    std::vector<MatrixXd> values;
    {
        py::gil_scoped_release release;
        values = dictionary.evaluate(z, partials);
    }
    py::list result;
    for (auto& value : values) result.append(take_numpy(std::move(value)));
    return result;
}

void bind_dictionary(py::module_& module) {
    py::class_<FieldBody>(module, "FieldBody", R"(
The frozen layers of a network of several coordinates z, each scaled to [0, 1], time the last: h_l = σ(W_l h_{l−1} + b_l).

FieldBody(weights, biases, activation, inputs, tau): weights, a list of float64 (out, in); biases, a list of float64
(out,); activation "tanh", "sin" or "silu"; inputs, a list of (coordinate, kind), from which the first layer's columns
come: "plain" z, "log" log(1 + z/tau)/log(1 + 1/tau), "periodic" the two columns cos 2πz, sin 2πz. Raises ValueError for
shapes that do not chain, numbers that are not finite, a coordinate without an input, and periodic time.)")
        .def(py::init(&make_body), py::arg("weights"), py::arg("biases"), py::arg("activation"), py::arg("inputs"),
             py::arg("tau") = 1e-3)
        .def_property_readonly("coordinates", &FieldBody::coordinates, "Number of coordinates, d + 1.")
        .def_property_readonly("width", &FieldBody::width, "Number of features.");

    py::class_<FieldDictionary>(module, "FieldDictionary", R"(
The functions of several coordinates, each scaled to [0, 1], time the last, that fields are expanded in.)")
        .def_static("from_body", &FieldDictionary::from_body, py::arg("body"), py::arg("dilations"),
                    py::arg("constant") = true,
                    "[1, h(z with time times κ_1), …, h(z with time times κ_K)]; the 1 only if constant. Raises "
                    "ValueError unless the dilations κ are distinct and positive, and for κ ≠ 1 where the activation "
                    "does not saturate.")
        .def_static("tensor", &make_tensor, py::arg("space"), py::arg("time"), py::arg("tau") = 1e-3,
                    "All products of one function of each coordinate, those of time running fastest. space, a list of "
                    "(kind, number of functions): \"chebyshev\" T_0, T_1, … of 2z − 1, or \"periodic\" 1, cos 2πz, sin "
                    "2πz, cos 4πz, …; time, the number of Chebyshev polynomials in log time with the knee tau.")
        .def_property_readonly("size", &FieldDictionary::size, "Number of functions, m.")
        .def_property_readonly("coordinates", &FieldDictionary::coordinates, "Number of coordinates, d + 1.")
        .def("evaluate", &evaluate, py::arg("points"), py::arg("partials"),
             "For each partial, a tuple with the number of derivatives in each coordinate, at most two in all, the "
             "functions' derivatives at points, float64 (N, d + 1): a list of (N, m) arrays. Raises ValueError for "
             "points that are not finite, or negative in time or where a log map is.");
}

// Threads take turns, since the GIL is released while one works.
class SharedLeastSquares {
  public:
    SharedLeastSquares(Index columns, Index right_hand_sides) : problem_(columns, right_hand_sides) {}

    template <class Work>
    auto with(Work&& work) {
        py::gil_scoped_release release;  // before the lock, which another thread may hold while it waits for the GIL
        const std::lock_guard lock(mutex_);
        return work(problem_);
    }

    TallLeastSquares copy() {
        return with([](TallLeastSquares& problem) { return problem; });
    }

  private:
    TallLeastSquares problem_;
    std::mutex mutex_;
};

using Strides = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;

// Either order of storage, and slices of both, without a copy.
Eigen::Map<const MatrixXd, 0, Strides> rows_of(const py::object& object, const std::string& name) {
    constexpr py::ssize_t size = sizeof(double);
    if (!py::isinstance<py::array_t<double>>(object) || py::reinterpret_borrow<py::array>(object).ndim() != 2)
        throw py::type_error(name + " is no float64 array (rows, columns): pass numpy.asarray(" + name +
                             ", dtype=\"float64\") with two dimensions");
    const auto array = py::reinterpret_borrow<py::array_t<double>>(object);
    // NumPy strides a single row or column by anything; Eigen takes no stride of zero.
    const auto row = array.shape(0) > 1 ? array.strides(0) : size,
               column = array.shape(1) > 1 ? array.strides(1) : size;
    if (row <= 0 || column <= 0 || row % size != 0 || column % size != 0)
        throw py::value_error(name + " repeats rows, runs backwards or is not aligned: pass numpy.ascontiguousarray(" +
                              name + ")");
    return {array.data(), array.shape(0), array.shape(1), Strides(column / size, row / size)};
}

py::tuple solve(SharedLeastSquares& shared, double rcond) {
    auto solution = shared.with([&](TallLeastSquares& problem) { return problem.solve(rcond); });
    return py::make_tuple(take_numpy(std::move(solution.X)), to_numpy(solution.residual), solution.rank);
}

void bind_least_squares(py::module_& module) {
    py::class_<SharedLeastSquares>(module, "TallLeastSquares", R"(
min ‖A X − B‖ column by column, with the rows added in blocks, of which only a triangular factor is kept.

TallLeastSquares(columns, right_hand_sides): the columns of A and of B.)")
        .def(py::init<Index, Index>(), py::arg("columns"), py::arg("right_hand_sides"))
        .def(
            "add",
            [](SharedLeastSquares& shared, const py::object& A, const py::object& B) {
                const auto a = rows_of(A, "A"), b = rows_of(B, "B");
                shared.with([&](TallLeastSquares& problem) { problem.add(a, b); });
            },
            py::arg("A"), py::arg("B"),
            "Adds rows: A, float64 (rows, columns), and B, float64 (rows, right-hand sides), in any order of storage.")
        .def(
            "merge",
            [](SharedLeastSquares& shared, SharedLeastSquares& other) {
                const auto rows = other.copy();
                shared.with([&](TallLeastSquares& problem) { problem.merge(rows); });
            },
            py::arg("other"), "Adds the rows of another problem with as many columns and right-hand sides.")
        .def(
            "solve", &solve, py::arg("rcond"),
            "X (columns, right-hand sides), the norms of A X − B (right-hand sides,), and the rank. In unknowns scaled "
            "by the norms of A's columns, singular values of at most rcond times the largest count as zero, and X is "
            "the shortest solution.")
        .def(
            "R", [](SharedLeastSquares& s) { return take_numpy(s.with([](auto& problem) { return problem.R(); })); },
            "The upper triangular factor of A, (columns, columns).")
        .def(
            "Qtb",
            [](SharedLeastSquares& s) { return take_numpy(s.with([](auto& problem) { return problem.Qtb(); })); },
            "Qᵀ B, of which R X = Qᵀ B is the solution, (columns, right-hand sides).")
        .def_property_readonly(
            "rows", [](SharedLeastSquares& s) { return s.with([](auto& problem) { return problem.rows(); }); });
}

}  // namespace STLFAST_NAMESPACE::fields_bindings

void bind_fields(py::module_& module) {
    using namespace fields_bindings;
    bind_dictionary(module);
    bind_least_squares(module);
}
