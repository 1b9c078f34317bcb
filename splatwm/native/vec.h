// Small vectors, matrices and quaternions (w, x, y, z) of one scalar type, as plain values.
//
// Everything is always inlined: a copy compiled for one instruction set must never be linked into another's kernels.
#pragma once
#include <cmath>

#define SPLATWM_INLINE __attribute__((always_inline)) inline

namespace splatwm {

template <class T>
struct Vec {
    T x{}, y{}, z{};
    Vec() = default;
    SPLATWM_INLINE Vec(T x_, T y_, T z_) : x(x_), y(y_), z(z_) {}
    SPLATWM_INLINE explicit Vec(const T* p) : x(p[0]), y(p[1]), z(p[2]) {}
    SPLATWM_INLINE T operator[](int i) const { return i == 0 ? x : i == 1 ? y : z; }
    SPLATWM_INLINE void store(T* p) const { p[0] = x, p[1] = y, p[2] = z; }
    SPLATWM_INLINE Vec operator-() const { return {-x, -y, -z}; }
    SPLATWM_INLINE Vec& operator+=(const Vec& o) { return x += o.x, y += o.y, z += o.z, *this; }
    SPLATWM_INLINE Vec& operator-=(const Vec& o) { return x -= o.x, y -= o.y, z -= o.z, *this; }
    SPLATWM_INLINE Vec& operator*=(T s) { return x *= s, y *= s, z *= s, *this; }
};

template <class T>
SPLATWM_INLINE Vec<T> operator+(Vec<T> a, const Vec<T>& b) { return a += b; }
template <class T>
SPLATWM_INLINE Vec<T> operator-(Vec<T> a, const Vec<T>& b) { return a -= b; }
template <class T>
SPLATWM_INLINE Vec<T> operator*(Vec<T> a, T s) { return a *= s; }
template <class T>
SPLATWM_INLINE Vec<T> operator*(T s, Vec<T> a) { return a *= s; }
template <class T>
SPLATWM_INLINE T dot(const Vec<T>& a, const Vec<T>& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
template <class T>
SPLATWM_INLINE Vec<T> cross(const Vec<T>& a, const Vec<T>& b) {
    return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
template <class T>
SPLATWM_INLINE T length(const Vec<T>& a) { return std::sqrt(dot(a, a)); }
template <class T>
SPLATWM_INLINE Vec<T> normalized(const Vec<T>& a) { return a * (T(1) / length(a)); }
template <class T>
SPLATWM_INLINE Vec<T> min(const Vec<T>& a, const Vec<T>& b) { return {std::fmin(a.x, b.x), std::fmin(a.y, b.y), std::fmin(a.z, b.z)}; }
template <class T>
SPLATWM_INLINE Vec<T> max(const Vec<T>& a, const Vec<T>& b) { return {std::fmax(a.x, b.x), std::fmax(a.y, b.y), std::fmax(a.z, b.z)}; }

// A 3 x 3 matrix as three rows.
template <class T>
struct Mat {
    Vec<T> r0, r1, r2;
    Mat() = default;
    SPLATWM_INLINE Mat(Vec<T> a, Vec<T> b, Vec<T> c) : r0(a), r1(b), r2(c) {}
    SPLATWM_INLINE explicit Mat(const T* p) : r0(p), r1(p + 3), r2(p + 6) {}
    const Vec<T>& operator[](int i) const { return i == 0 ? r0 : i == 1 ? r1 : r2; }
    SPLATWM_INLINE Vec<T> operator*(const Vec<T>& v) const { return {dot(r0, v), dot(r1, v), dot(r2, v)}; }
};

template <class T>
SPLATWM_INLINE Mat<T> transposed(const Mat<T>& m) {
    return {{m.r0.x, m.r1.x, m.r2.x}, {m.r0.y, m.r1.y, m.r2.y}, {m.r0.z, m.r1.z, m.r2.z}};
}
// transposed(m) * v
template <class T>
SPLATWM_INLINE Vec<T> transposed_times(const Mat<T>& m, const Vec<T>& v) { return m.r0 * v.x + m.r1 * v.y + m.r2 * v.z; }
template <class T>
SPLATWM_INLINE Mat<T> operator*(const Mat<T>& a, const Mat<T>& b) {
    return {transposed_times(b, a.r0), transposed_times(b, a.r1), transposed_times(b, a.r2)};
}
template <class T>
SPLATWM_INLINE Mat<T> inverse(const Mat<T>& m) {
    const Vec<T> a = cross(m.r1, m.r2), b = cross(m.r2, m.r0), c = cross(m.r0, m.r1);
    const T s = T(1) / dot(m.r0, a);
    return transposed(Mat<T>{a * s, b * s, c * s});
}

template <class T>
struct Quat {
    T w = 1, x = 0, y = 0, z = 0;
    Quat() = default;
    SPLATWM_INLINE Quat(T w_, T x_, T y_, T z_) : w(w_), x(x_), y(y_), z(z_) {}
    SPLATWM_INLINE explicit Quat(const T* p) : w(p[0]), x(p[1]), y(p[2]), z(p[3]) {}
    SPLATWM_INLINE void store(T* p) const { p[0] = w, p[1] = x, p[2] = y, p[3] = z; }
};

template <class T>
SPLATWM_INLINE Quat<T> operator*(const Quat<T>& a, const Quat<T>& b) {
    return {a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
            a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}
template <class T>
SPLATWM_INLINE Quat<T> normalized(const Quat<T>& q) {
    const T s = T(1) / std::sqrt(q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z);
    return {q.w * s, q.x * s, q.y * s, q.z * s};
}
template <class T>
SPLATWM_INLINE Quat<T> conjugate(const Quat<T>& q) { return {q.w, -q.x, -q.y, -q.z}; }
template <class T>
SPLATWM_INLINE Mat<T> matrix(const Quat<T>& q) {
    return {{1 - 2 * (q.y * q.y + q.z * q.z), 2 * (q.x * q.y - q.w * q.z), 2 * (q.x * q.z + q.w * q.y)},
            {2 * (q.x * q.y + q.w * q.z), 1 - 2 * (q.x * q.x + q.z * q.z), 2 * (q.y * q.z - q.w * q.x)},
            {2 * (q.x * q.z - q.w * q.y), 2 * (q.y * q.z + q.w * q.x), 1 - 2 * (q.x * q.x + q.y * q.y)}};
}
// The rotation by the vector r [rad].
template <class T>
SPLATWM_INLINE Quat<T> rotation(const Vec<T>& r) {
    const T square = dot(r, r), angle = std::sqrt(square);
    const T s = square < T(1e-6) ? T(0.5) - square / 48 : std::sin(angle / 2) / angle;
    return {square < T(1e-6) ? 1 - square / 8 : std::cos(angle / 2), r.x * s, r.y * s, r.z * s};
}
// The rotation vector [rad] of a unit quaternion, at most half a turn.
template <class T>
SPLATWM_INLINE Vec<T> rotation_vector(Quat<T> q) {
    if (q.w < 0) q = {-q.w, -q.x, -q.y, -q.z};
    const Vec<T> v{q.x, q.y, q.z};
    const T sine = length(v);
    return sine < T(1e-6) ? v * T(2) : v * (2 * std::atan2(sine, q.w) / sine);
}

using Vec3 = Vec<float>;
using Mat3 = Mat<float>;
using Quatf = Quat<float>;

}  // namespace splatwm
