// Arguments that several bindings take.
#pragma once

#include <cmath>

#include "arrays.hpp"
#include "stlfast/family.hpp"

namespace STLFAST_NAMESPACE {

inline Eigen::VectorXd vector_of(const py::object& object, const std::string& name, Eigen::Index size = -1) {
    const auto array = checked_array<double>(object, name, 1);
    if (size >= 0 && array.size() != size)
        throw py::value_error(name + " has " + std::to_string(array.size()) + " entries, expected " +
                              std::to_string(size));
    return as_vector(array);
}

template <class T = double>
Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> matrix_of(const py::object& object, const std::string& name) {
    using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const auto array = checked_array<T>(object, name, 2);
    return Eigen::Map<const RowMajor>(array.data(), array.shape(0), array.shape(1));
}

inline double tolerance_of(const py::object& value, const char* name) {
    const double number = PyFloat_AsDouble(value.ptr());
    if (PyErr_Occurred())
        PyErr_Clear();
    else if (number >= 0 && std::isfinite(number))
        return number;
    throw py::value_error(name + (" must be a finite number of at least 0, got " + std::string(py::repr(value))));
}

inline bool truth_of(const py::object& value, const char* name, const char* expected = "True or False") {
    if (!PyBool_Check(value.ptr()) && !py::isinstance(value, py::dtype::of<bool>().attr("type")))
        throw py::value_error(name + (" must be " + std::string(expected) + ", got ") + std::string(py::repr(value)));
    return PyObject_IsTrue(value.ptr()) == 1;
}

// The values of a dict in the order of the names. Throws KeyError, for the caller to explain, unless all are there, no
// other is, and each is a number from low to high.
inline Eigen::VectorXd parameters_of(const Eigen::VectorXd& low, const Eigen::VectorXd& high, const py::dict& params,
                                     const py::tuple& names) {
    Eigen::VectorXd p(low.size());
    bool good =
        static_cast<Eigen::Index>(params.size()) == p.size() && static_cast<Eigen::Index>(names.size()) == p.size();
    for (Eigen::Index k = 0; good && k < p.size(); ++k) {
        PyObject* const value = PyDict_GetItem(params.ptr(), PyTuple_GET_ITEM(names.ptr(), k));
        good = value && (PyFloat_Check(value) || PyLong_CheckExact(value));
        if (good) p[k] = PyFloat_AsDouble(value);
        if (PyErr_Occurred()) PyErr_Clear(), good = false;  // an integer too large for a double
        good = good && p[k] >= low[k] && p[k] <= high[k];
    }
    if (!good) throw py::key_error("parameters");
    return p;
}

inline Eigen::VectorXd parameters_of(const Family& family, const py::dict& params, const py::tuple& names) {
    return parameters_of(family.low, family.high, params, names);
}

}  // namespace STLFAST_NAMESPACE
