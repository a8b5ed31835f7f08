// Four numbers side by side in a register, and small matrices of them: the same operations on four windows at once.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <utility>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

constexpr Eigen::Index lanes = 4;

using Lane = Eigen::Array<double, lanes, 1>;
struct ComplexLane {
    Lane re, im;
};

// Entries that nothing is written to beforehand, as a vector would.
template <class Entry>
class Uninitialised {
  public:
    Uninitialised() = default;
    explicit Uninitialised(Eigen::Index size) : entries_(new Entry[std::size_t(size)]) {}
    Entry& operator[](Eigen::Index k) { return entries_[std::size_t(k)]; }
    const Entry& operator[](Eigen::Index k) const { return entries_[std::size_t(k)]; }
    Entry* data() { return entries_.get(); }
    void swap(Uninitialised& other) { entries_.swap(other.entries_); }

  private:
    std::unique_ptr<Entry[]> entries_;
};
using Lanes = Uninitialised<Lane>;
using ComplexLanes = Uninitialised<ComplexLane>;

// The larger of each; not a number where either is not finite.
inline Lane larger(const Lane& a, const Lane& b) { return a.max(b) + 0 * (a + b); }

inline Lane load(const Eigen::MatrixXd& of, Eigen::Index column, Eigen::Index row) {
    return Eigen::Map<const Lane>(&of(row, column));
}
inline void store(Eigen::MatrixXd& of, Eigen::Index column, Eigen::Index row, const Lane& value) {
    Eigen::Map<Lane>(&of(row, column)) = value;
}

// out (rows) = matrix (rows, cols), column-major, times in (cols).
template <Eigen::Index rows, Eigen::Index cols>
void combine(const double* matrix, const Lane* in, Lane* out) {
    for (Eigen::Index q = 0; q < rows; ++q) {
        Lane sum = matrix[q] * in[0];
        for (Eigen::Index k = 1; k < cols; ++k) sum += matrix[q + k * rows] * in[k];
        out[q] = sum;
    }
}

struct Real {
    using Entry = Lane;
    static Lane size(const Lane& a) { return a.abs(); }
    static Lane inverse(const Lane& a) { return a.inverse(); }
    static Lane times(const Lane& a, const Lane& b) { return a * b; }
    static void subtract(Lane& a, const Lane& b, const Lane& c) { a -= b * c; }
    static Lane negative(const Lane& a) { return -a; }
};
struct Complex {
    using Entry = ComplexLane;
    static Lane size(const ComplexLane& a) { return a.re.square() + a.im.square(); }
    static ComplexLane inverse(const ComplexLane& a) {
        const Lane size = (a.re.square() + a.im.square()).inverse();
        return {a.re * size, -a.im * size};
    }
    static ComplexLane times(const ComplexLane& a, const ComplexLane& b) {
        return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    }
    static void subtract(ComplexLane& a, const ComplexLane& b, const ComplexLane& c) {
        a.re -= b.re * c.re - b.im * c.im, a.im -= b.re * c.im + b.im * c.re;
    }
    static ComplexLane negative(const ComplexLane& a) { return {-a.re, -a.im}; }
};

// A (n, n), column after column, becomes its inverse, with pivots that serve all lanes.
template <class Kind, Eigen::Index n>
void invert(typename Kind::Entry* A) {
    using Eigen::Index;
    using Entry = typename Kind::Entry;
    Index pivots[n];
    for (Index k = 0; k < n; ++k) {
        Index at = k;
        double largest = -1;
        for (Index i = k; i < n; ++i)
            if (const double size = Kind::size(A[i + k * n]).minCoeff(); size > largest) largest = size, at = i;
        pivots[k] = at;
        if (at != k)
            for (Index j = 0; j < n; ++j) std::swap(A[k + j * n], A[at + j * n]);
        const Entry pivot = Kind::inverse(A[k + k * n]);
        Entry* const own = A + k * n;
        for (Index i = 0; i < n; ++i)
            if (i != k) own[i] = Kind::negative(Kind::times(own[i], pivot));
        own[k] = pivot;
        for (Index j = 0; j < n; ++j) {
            Entry* const a = A + j * n;
            if (j == k) continue;
            const Entry u = Kind::negative(a[k]);
            for (Index i = 0; i < n; ++i)
                if (i != k) Kind::subtract(a[i], own[i], u);
            a[k] = Kind::times(a[k], pivot);
        }
    }
    for (Index k = n - 1; k >= 0; --k)  // rows that changed places are columns of the inverse
        if (const Index at = pivots[k]; at != k)
            for (Index i = 0; i < n; ++i) std::swap(A[i + k * n], A[i + at * n]);
}

}  // namespace STLFAST_NAMESPACE
