// Checks that an argument is the NumPy array the core expects: no conversion, no copy on the way in.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

namespace py = pybind11;

// The argument as a C-contiguous array of type T with ndim dimensions. Throws TypeError for another type or dtype,
// ValueError for another layout or number of dimensions; the message says what to do.
template <class T>
py::array_t<T> checked_array(const py::object& object, const std::string& name, int ndim) {
    const auto dtype = [] { return std::string(py::str(py::dtype::of<T>())); };
    if (!py::isinstance<py::array>(object))
        throw py::type_error(name + " is a " + std::string(py::str(py::type::of(object).attr("__name__"))) +
                             ", expected a NumPy array: pass numpy.ascontiguousarray(" + name + ", dtype=\"" + dtype() +
                             "\")");
    const auto array = py::reinterpret_borrow<py::array>(object);
    if (!py::isinstance<py::array_t<T>>(array))
        throw py::type_error(name + " has dtype " + std::string(py::str(array.dtype())) + ", expected " + dtype() +
                             ": pass " + name + ".astype(\"" + dtype() + "\")");
    if (array.ndim() != ndim)
        throw py::value_error(name + " has " + std::to_string(array.ndim()) + " dimensions, expected " +
                              std::to_string(ndim));
    if (!(array.flags() & py::array::c_style))
        throw py::value_error(name + " is not C-contiguous: pass numpy.ascontiguousarray(" + name + ")");
    return py::reinterpret_borrow<py::array_t<T>>(array);
}

// Whether it is a NumPy array, not one of a class derived from that, which may have a mask.
inline bool is_plain_array(const py::object& object) {
    return reinterpret_cast<PyObject*>(Py_TYPE(object.ptr())) ==
           reinterpret_cast<PyObject*>(py::detail::npy_api::get().PyArray_Type_);
}

inline std::string shape_text(const std::vector<py::ssize_t>& shape) {
    std::string text = "(";
    for (std::size_t k = 0; k < shape.size(); ++k) text += (k ? ", " : "") + std::to_string(shape[k]);
    return text + (shape.size() == 1 ? ",)" : ")");
}

inline std::vector<py::ssize_t> shape_of(const py::array& array) {
    return {array.shape(), array.shape() + array.ndim()};
}

inline bool has_shape(const py::array& array, std::initializer_list<py::ssize_t> shape) {
    return std::equal(shape.begin(), shape.end(), array.shape(), array.shape() + array.ndim());
}

// The argument as a contiguous float64 array of this shape, converted from anything that holds integers or floats; a
// contiguous float64 array crosses without a copy. Throws ValueError for another shape and for numbers that are not
// finite.
inline py::array_t<double> finite_array(const py::object& object, const char* name,
                                        std::initializer_list<py::ssize_t> shape) {
    using Converted = py::array_t<double, py::array::c_style | py::array::forcecast>;
    const auto refuse = [&](const std::string& what) { throw py::value_error(name + (" must " + what)); };
    const bool ready = py::isinstance<py::array_t<double, py::array::c_style>>(object);
    py::array array = ready ? py::reinterpret_borrow<py::array>(object) : py::array::ensure(object);
    // Ordinary arrays are spared the look at their attributes, which takes longer than a solve of a held member.
    const bool special = py::isinstance<py::array>(object) && !is_plain_array(object);
    if (special && py::hasattr(object, "mask")) refuse("be an array without a mask: pass its .filled(...)");
    if (!array || std::string_view("iuf").find(array.dtype().kind()) == std::string_view::npos)
        refuse("be an array of real numbers, got " + std::string(py::repr(object)));
    if (!has_shape(array, shape)) refuse("have shape " + shape_text(shape) + ", got " + shape_text(shape_of(array)));
    auto values = ready ? py::reinterpret_borrow<py::array_t<double>>(array) : py::array_t<double>(Converted(array));
    for (py::ssize_t k = 0; k < values.size(); ++k)
        if (!std::isfinite(values.data()[k])) refuse("be finite; entry " + std::to_string(k) + " is not");
    return values;
}

// The argument itself, to be written to: a float64 array of this shape that is C-contiguous and writable.
inline py::array_t<double> output_array(const py::object& object, std::initializer_list<py::ssize_t> shape) {
    const auto expected = [&] {
        return "out must be a writable C-contiguous float64 array of shape " + shape_text(shape) + ", got ";
    };
    if (!py::isinstance<py::array>(object))
        throw py::type_error(expected() + "a " + std::string(py::str(py::type::of(object).attr("__name__"))));
    const auto array = py::reinterpret_borrow<py::array>(object);
    const auto refuse = [&](const std::string& got) { throw py::value_error(expected() + got); };
    if (!py::isinstance<py::array_t<double>>(array)) refuse("dtype " + std::string(py::str(array.dtype())));
    if (!has_shape(array, shape)) refuse("shape " + shape_text(shape_of(array)));
    if (!(array.flags() & py::array::c_style) || !(array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_))
        refuse("another memory layout: pass numpy.empty(shape)");
    if (!array.writeable()) refuse("a read-only one");
    return py::reinterpret_borrow<py::array_t<double>>(array);
}

inline Eigen::Map<const Eigen::VectorXd> as_vector(const py::array_t<double>& array) {
    return {array.data(), array.size()};
}

// A column-major array that takes over the matrix's memory.
inline py::array_t<double> take_numpy(Eigen::MatrixXd&& matrix) {
    auto owned = std::make_unique<Eigen::MatrixXd>(std::move(matrix));
    auto* const data = owned.get();
    const py::capsule owner(owned.release(), [](void* pointer) { delete static_cast<Eigen::MatrixXd*>(pointer); });
    constexpr py::ssize_t itemsize = sizeof(double);
    return py::array_t<double>({data->rows(), data->cols()}, {itemsize, itemsize * data->rows()}, data->data(), owner);
}

// A new array that owns a copy of the matrix or vector, with its shape.
template <class Derived>
py::array_t<typename Derived::Scalar> to_numpy(const Eigen::PlainObjectBase<Derived>& matrix) {
    using Scalar = typename Derived::Scalar;
    using RowMajor = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    if constexpr (Derived::ColsAtCompileTime == 1) {
        return py::array_t<Scalar>(matrix.size(), matrix.data());
    } else {
        py::array_t<Scalar> array({matrix.rows(), matrix.cols()});
        Eigen::Map<RowMajor>(array.mutable_data(), matrix.rows(), matrix.cols()) = matrix;
        return array;
    }
}

}  // namespace STLFAST_NAMESPACE
