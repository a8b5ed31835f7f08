// FullSpace: least-squares solves on the whole dictionary.
#include "arrays.hpp"
#include "stlfast/full_space.hpp"

namespace py = pybind11;
using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace STLFAST_NAMESPACE::full_space_bindings {

// NumPy's (rows, N) in C order is Eigen's (N, rows) in column order. Not finite at trial states that fail.
Eigen::Map<const MatrixXd> columns_of(const py::array_t<double>& array, const std::string& name, Index rows, Index N) {
    if (!has_shape(array, {rows, N}))
        throw py::value_error(name + " must have shape " + shape_text({rows, N}) + ", got " +
                              shape_text(shape_of(array)));
    return {array.data(), N, rows};
}

FullSpace::Member factor(const FullSpace& space, const py::object& A, const py::object& rows) {
    const Index n = space.n(), N = space.points().x.size();
    const auto matrices = checked_array<double>(A, "A", 2);
    const MatrixXd A_map = columns_of(matrices, "A", n * n, matrices.shape(1) == 1 ? 1 : N);
    MatrixXd P;
    if (!rows.is_none()) P = columns_of(checked_array<double>(rows, "rows", 2), "rows", n * n, N);
    const py::gil_scoped_release release;
    return space.factor(A_map, std::move(P));
}

py::array_t<double> solve(const FullSpace::Member& member, const py::object& y0, const py::object& forcing) {
    const Index n = member.space().n(), N = member.space().points().x.size();
    const VectorXd start = as_vector(finite_array(y0, "y0", {n}));
    const auto values = checked_array<double>(forcing, "forcing", 2);
    const auto b = columns_of(values, "forcing", n, N);
    MatrixXd heads;
    {
        const py::gil_scoped_release release;
        heads = member.solve(start, b);
    }
    return to_numpy(heads);
}

}  // namespace STLFAST_NAMESPACE::full_space_bindings

void bind_full_space(py::module_& module) {
    using namespace full_space_bindings;
    py::class_<FullSpace> space(module, "FullSpace", R"(
Least-squares solves of y' = A(x) y + b(x), y(0) = y0 on all M functions of a dictionary, at N collocation points.

FullSpace(dictionary, points, n, shared_head, solver): solver "svd", "qr" or "pinv". Raises ValueError where a shared
head does not divide the dictionary into n blocks.)");
    py::class_<FullSpace::Member>(space, "Member", "One member's least-squares problem, factored.")
        .def("solve", &solve, py::arg("y0"), py::arg("forcing"),
             "Heads (M, n) for the initial value y0 (n,) and b at the points, forcing (n, N).");
    space
        .def(py::init([](const Dictionary& dictionary, const Points& points, Index n, bool shared_head,
                         const std::string& solver) {
                 const py::gil_scoped_release release;
                 return std::make_unique<FullSpace>(dictionary, points, n, shared_head, least_squares_from(solver));
             }),
             py::arg("dictionary"), py::arg("points"), py::arg("n"), py::arg("shared_head"), py::arg("solver"))
        .def("factor", &factor, py::arg("A"), py::arg("rows") = py::none(), py::keep_alive<0, 1>(),
             "The Member for A (n², N) or (n², 1), row-major matrices at the points; rows (n², N) multiply the n "
             "residuals of each point from the left.");
}
