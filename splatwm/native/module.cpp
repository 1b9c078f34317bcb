// The Python module splatwm._native. Arrays are C-contiguous on the CPU; the callers in splatwm/ have checked what they
// mean, here their sizes are.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>

#include "dispatch.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace splatwm {
namespace {

template <class T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

template <class Array>
auto* checked(const Array& array, size_t size, const char* name) {
    if (array.size() != size)
        throw std::invalid_argument(std::string(name) + ": " + std::to_string(array.size()) + " values, expected " + std::to_string(size));
    return array.data();
}

// Append one component to an array, padded to full lanes with its last value.
void append(std::vector<float>& to, const float* values, size_t count, size_t stride) {
    for (size_t i = 0; i < count; i++) to.push_back(values[i * stride]);
    while (to.size() % LANES) to.push_back(to.back());
}

Shape make_shape(const std::vector<In<float>>& vertices, const std::vector<In<float>>& planes, const std::vector<float>& radii) {
    if (vertices.size() != planes.size() || vertices.size() != radii.size()) throw std::invalid_argument("pieces: counts differ");
    if (vertices.empty() || vertices.size() > 1023) throw std::invalid_argument("pieces: expected 1..1023");
    Shape shape;
    for (size_t i = 0; i < vertices.size(); i++) {
        const size_t n = vertices[i].size() / 3, m = planes[i].size() / 4;
        if (n < 1 || n > 4096 || m > 8192) throw std::invalid_argument("a piece has 1..4096 vertices and at most 8192 planes");
        const float *v = checked(vertices[i], 3 * n, "vertices"), *p = checked(planes[i], 4 * m, "planes");
        Piece piece{};
        piece.vertex = int(shape.vx.size()), piece.plane = int(shape.px.size()), piece.radius = radii[i];
        append(shape.vx, v, n, 3), append(shape.vy, v + 1, n, 3), append(shape.vz, v + 2, n, 3);
        if (m) append(shape.px, p, m, 4), append(shape.py, p + 1, m, 4), append(shape.pz, p + 2, m, 4), append(shape.pd, p + 3, m, 4);
        piece.vertices = int(shape.vx.size()) - piece.vertex, piece.planes = int(shape.px.size()) - piece.plane;
        piece.low = piece.high = Vec3(v);
        for (size_t k = 1; k < n; k++) piece.low = min(piece.low, Vec3(v + 3 * k)), piece.high = max(piece.high, Vec3(v + 3 * k));
        for (size_t k = 0; k < n; k++) piece.center += Vec3(v + 3 * k) * (1.f / float(n));
        const Vec3 r{radii[i], radii[i], radii[i]};
        shape.low = i ? min(shape.low, piece.low - r) : piece.low - r;
        shape.high = i ? max(shape.high, piece.high + r) : piece.high + r;
        shape.pieces.push_back(piece);
    }
    return shape;
}

// The state of a batch; holds its arrays.
struct State {
    size_t environments, objects;
    std::vector<const Shape*> shapes;
    In<float> mass, inertia, center, friction, restitution;
    In<int32_t> priority;
    In<uint8_t> kinematic;
    In<float> latent;
    Out<float> position, wxyz, linear, angular, still;
    std::vector<Bodies> bodies;

    State(const std::vector<const Shape*>& known, In<int32_t> shape, In<float> mass_, In<float> inertia_, In<float> center_,
          In<float> friction_, In<float> restitution_, In<int32_t> priority_, In<uint8_t> kinematic_, Out<float> position_,
          Out<float> wxyz_, Out<float> linear_, Out<float> angular_, Out<float> still_, In<float> latent_)
        : mass(mass_), inertia(inertia_), center(center_), friction(friction_), restitution(restitution_), priority(priority_),
          kinematic(kinematic_), latent(latent_), position(position_), wxyz(wxyz_), linear(linear_), angular(angular_), still(still_) {
        if (shape.ndim() != 2) throw std::invalid_argument("shape: rank");
        environments = shape.shape(0), objects = shape.shape(1);
        const size_t n = environments * objects;
        if (objects > 255) throw std::invalid_argument("at most 255 objects an environment");
        for (size_t i = 0; i < n; i++) {
            const int32_t k = shape.data()[i];
            if (k >= int32_t(known.size())) throw std::invalid_argument("shape: no such shape");
            shapes.push_back(k < 0 ? nullptr : known[k]);
        }
        checked(mass, n, "mass"), checked(inertia, 9 * n, "inertia"), checked(center, 3 * n, "center_of_mass");
        checked(friction, n, "friction"), checked(restitution, n, "restitution"), checked(priority, n, "priority");
        checked(kinematic, n, "kinematic"), checked(position, 3 * n, "position"), checked(wxyz, 4 * n, "wxyz");
        checked(linear, 3 * n, "linear"), checked(angular, 3 * n, "angular"), checked(still, n, "still");
        const size_t latents = n ? latent.size() / n : 0;
        checked(latent, latents * n, "latent");
        for (size_t e = 0; e < environments; e++) {
            const size_t o = e * objects;
            bodies.push_back({int(objects), shapes.data() + o, mass.data() + o, inertia.data() + 9 * o, center.data() + 3 * o,
                              friction.data() + o, restitution.data() + o, priority.data() + o, kinematic.data() + o,
                              latent.data() + latents * o, int(latents),
                              position.data() + 3 * o, wxyz.data() + 4 * o, linear.data() + 3 * o, angular.data() + 3 * o,
                              still.data() + o});
        }
    }
};

void bind_settings(nb::module_& m) {
    nb::class_<Settings>(m, "Settings")
        .def(nb::init<>())
        .def_prop_rw(
            "gravity", [](const Settings& s) { return std::vector<float>(s.gravity, s.gravity + 3); },
            [](Settings& s, const std::vector<float>& v) { std::copy_n(v.begin(), std::min<size_t>(3, v.size()), s.gravity); })
        .def_prop_rw(
            "impedance", [](const Settings& s) { return std::vector<float>(s.impedance, s.impedance + 3); },
            [](Settings& s, const std::vector<float>& v) { std::copy_n(v.begin(), std::min<size_t>(3, v.size()), s.impedance); })
        .def_rw("margin", &Settings::margin)
        .def_rw("turn", &Settings::turn)
        .def_rw("tolerance", &Settings::tolerance)
        .def_rw("stiffness", &Settings::stiffness)
        .def_rw("damping", &Settings::damping)
        .def_rw("torsion", &Settings::torsion)
        .def_rw("rolling", &Settings::rolling)
        .def_rw("friction_softness", &Settings::friction_softness)
        .def_rw("slip_friction", &Settings::slip_friction)
        .def_rw("impact_friction", &Settings::impact_friction)
        .def_rw("timestep", &Settings::timestep)
        .def_rw("convex", &Settings::convex)
        .def_rw("sleep_linear", &Settings::sleep_linear)
        .def_rw("sleep_angular", &Settings::sleep_angular)
        .def_rw("sleep_after", &Settings::sleep_after)
        .def_rw("sleep_drift", &Settings::sleep_drift)
        .def_rw("substeps", &Settings::substeps)
        .def_rw("sweeps", &Settings::sweeps)
        .def_rw("position_sweeps", &Settings::position_sweeps)
        .def_rw("contacts_per_pair", &Settings::contacts_per_pair);
}

template <class T>
nb::ndarray<nb::numpy, T> array(std::vector<T> values, std::initializer_list<size_t> shape) {
    auto* owned = new std::vector<T>(std::move(values));
    nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return nb::ndarray<nb::numpy, T>(owned->data(), shape, owner);
}

// Contacts of a batch in CSR form, one array per field.
nb::dict find_contacts(const State& state, const Settings& settings, float dt) {
    std::vector<Contact> found;
    std::vector<int32_t> offsets{0};
    for (const Bodies& s : state.bodies) {
        kernels().find_contacts(s, settings, dt, [](void* to, const Contact& c) { static_cast<std::vector<Contact>*>(to)->push_back(c); }, &found);
        offsets.push_back(int32_t(found.size()));
    }
    const size_t n = found.size();
    std::vector<int32_t> a(n), b(n);
    std::vector<float> on_a(3 * n), on_b(3 * n), normal(3 * n), offset(n), round_b(n), gap(n), friction(n), restitution(n);
    std::vector<uint64_t> key(n);
    for (size_t i = 0; i < n; i++) {
        const Contact& c = found[i];
        a[i] = c.a, b[i] = c.b;
        c.on_a.store(&on_a[3 * i]), c.on_b.store(&on_b[3 * i]), c.normal.store(&normal[3 * i]);
        offset[i] = c.offset, round_b[i] = c.round_b, gap[i] = c.gap, friction[i] = c.friction, restitution[i] = c.restitution;
        key[i] = c.key;
    }
    nb::dict out;
    out["offsets"] = array(std::move(offsets), {state.bodies.size() + 1});
    out["a"] = array(std::move(a), {n}), out["b"] = array(std::move(b), {n});
    out["on_a"] = array(std::move(on_a), {n, 3}), out["on_b"] = array(std::move(on_b), {n, 3});
    out["normal"] = array(std::move(normal), {n, 3});
    out["offset"] = array(std::move(offset), {n}), out["round_b"] = array(std::move(round_b), {n});
    out["gap"] = array(std::move(gap), {n}), out["friction"] = array(std::move(friction), {n});
    out["restitution"] = array(std::move(restitution), {n}), out["key"] = array(std::move(key), {n});
    return out;
}

// How often each environment looks for contacts in a step, as its rollout does.
std::vector<int> looks(const State& state, const Settings& settings, float dt) {
    std::vector<int> found;
    for (const Bodies& s : state.bodies) found.push_back(kernels().looks(s, settings, dt));
    return found;
}

template <class T>
SolveInputs<T> inputs(const std::vector<In<T>>& reals, In<int32_t> a, In<int32_t> b, T step) {
    if (reals.size() != 13) throw std::invalid_argument("expected 13 arrays of reals");
    const size_t o = reals[2].size(), c = a.size();
    SolveInputs<T> in{};
    in.bodies = int(o), in.contacts = int(c), in.step = step;
    in.before = checked(reals[0], 6 * o, "before"), in.free = checked(reals[1], 6 * o, "free");
    in.inverse_mass = reals[2].data(), in.inverse_inertia = checked(reals[3], 9 * o, "inverse_inertia");
    in.a = a.data(), in.b = checked(b, c, "b");
    in.frame = checked(reals[4], 9 * c, "frame"), in.arm_a = checked(reals[5], 3 * c, "arm_a");
    in.arm_b = checked(reals[6], 3 * c, "arm_b"), in.gap = checked(reals[7], c, "gap");
    in.friction = checked(reals[8], 3 * c, "friction"), in.restitution = checked(reals[9], c, "restitution");
    in.velocity_bias = checked(reals[10], 3 * c, "velocity_bias"), in.position_bias = checked(reals[11], c, "position_bias");
    in.warm = checked(reals[12], 6 * c, "warm");
    for (size_t k = 0; k < c; k++)
        if (in.a[k] < 0 || in.b[k] < 0 || size_t(in.a[k]) >= o || size_t(in.b[k]) >= o || in.a[k] == in.b[k])
            throw std::invalid_argument("a contact of bodies that there are not");
    return in;
}

template <class T>
void solve(const std::vector<In<T>>& reals, In<int32_t> a, In<int32_t> b, T step, const Settings& settings, Out<T> impulse, Out<T> after,
           Out<T> mean) {
    const SolveInputs<T> in = inputs<T>(reals, a, b, step);
    const size_t o = in.bodies, c = in.contacts;
    const SolveOutputs<T> out{checked(impulse, 6 * c, "impulse"), checked(after, 6 * o, "after"), checked(mean, 6 * o, "mean")};
    nb::gil_scoped_release release;
    if constexpr (sizeof(T) == 4) kernels().solve_float(in, out, settings);
    else kernels().solve_double(in, out, settings);
}

template <class T>
void solve_adjoint(const std::vector<In<T>>& reals, In<int32_t> a, In<int32_t> b, T step, const Settings& settings, const std::vector<In<T>>& given,
                   const std::vector<Out<T>>& found) {
    const SolveInputs<T> in = inputs<T>(reals, a, b, step);
    const size_t o = in.bodies, c = in.contacts;
    if (given.size() != 3 || found.size() != 7) throw std::invalid_argument("expected 3 gradients, and 7 arrays for gradients");
    const SolveGradients<T> g{checked(given[0], 6 * c, "impulse"), checked(given[1], 6 * o, "after"), checked(given[2], 6 * o, "mean"),
                              checked(found[0], 6 * o, "before"), checked(found[1], 6 * o, "free"), checked(found[2], c, "gap"),
                              checked(found[3], 3 * c, "friction"), checked(found[4], 3 * c, "velocity_bias"),
                              checked(found[5], c, "position_bias"), checked(found[6], 6 * c, "warm")};
    nb::gil_scoped_release release;
    if constexpr (sizeof(T) == 4) kernels().solve_adjoint_float(in, g, settings);
    else kernels().solve_adjoint_double(in, g, settings);
}

Rollout rollout_of(const State& state, float dt, In<int32_t> link_bodies, In<float> link_position, In<float> link_wxyz,
                   Out<float> position, Out<float> wxyz, Out<float> impulse, int threads, const Network* network) {
    const size_t b = state.environments, o = state.objects, l = link_bodies.size();
    if (position.ndim() != 4 || threads < 1) throw std::invalid_argument("position: rank, or threads");
    const size_t t = position.shape(1);
    Rollout r{int(b), int(t), int(l), dt, link_bodies.data(), nullptr, nullptr, nullptr, nullptr, nullptr, threads, network};
    r.link_position = checked(link_position, b * t * l * 3, "link_position");
    r.link_wxyz = checked(link_wxyz, b * t * l * 4, "link_wxyz");
    r.position = checked(position, b * t * o * 3, "position"), r.wxyz = checked(wxyz, b * t * o * 4, "wxyz");
    r.impulse = checked(impulse, b * t * o * 3, "impulse");
    for (size_t k = 0; k < l; k++)
        if (link_bodies.data()[k] < 0 || size_t(link_bodies.data()[k]) >= o) throw std::invalid_argument("link_bodies");
    for (const Bodies& s : state.bodies)
        if (network && s.latents && s.latents != network->latents) throw std::invalid_argument("latent: its length is not the network's");
    return r;
}

void roll_out(State& state, const Settings& settings, float dt, In<int32_t> link_bodies, In<float> link_position, In<float> link_wxyz,
              Out<float> position, Out<float> wxyz, Out<float> impulse, int threads, const Network* network) {
    const Rollout r = rollout_of(state, dt, link_bodies, link_position, link_wxyz, position, wxyz, impulse, threads, network);
    nb::gil_scoped_release release;
    kernels().roll_out(state.bodies.data(), r, settings);
}

// Rolls out once more, and back.
void roll_out_gradient(State& state, const Settings& settings, float dt, In<int32_t> link_bodies, In<float> link_position,
                       In<float> link_wxyz, Out<float> position, Out<float> wxyz, Out<float> impulse, int threads,
                       const std::vector<In<float>>& given, const std::vector<Out<float>>& found) {
    const Rollout r = rollout_of(state, dt, link_bodies, link_position, link_wxyz, position, wxyz, impulse, threads, nullptr);
    if (given.size() != 2 || found.size() != 6) throw std::invalid_argument("expected 2 gradients, and 6 arrays for gradients");
    const size_t n = state.environments * state.objects, rows = n * r.steps;
    const RolloutGradient g{checked(given[0], 3 * rows, "by_position"), checked(given[1], 4 * rows, "by_wxyz"),
                            checked(found[0], 3 * n, "position"), checked(found[1], 4 * n, "wxyz"),
                            checked(found[2], 3 * n, "linear"), checked(found[3], 3 * n, "angular"),
                            checked(found[4], n, "friction"), checked(found[5], link_position.size(), "link_position")};
    nb::gil_scoped_release release;
    kernels().roll_out_gradient(state.bodies.data(), r, g, settings);
}

}  // namespace

NB_MODULE(_native, m) {
    nb::class_<Shape>(m, "Shape").def(nb::new_([](const std::vector<In<float>>& vertices, const std::vector<In<float>>& planes,
                                                  const std::vector<float>& radii) { return new Shape(make_shape(vertices, planes, radii)); }),
                                      "vertices"_a, "planes"_a, "radii"_a);
    bind_settings(m);
    nb::class_<State>(m, "State")
        .def(nb::init<const std::vector<const Shape*>&, In<int32_t>, In<float>, In<float>, In<float>, In<float>, In<float>, In<int32_t>,
                      In<uint8_t>, Out<float>, Out<float>, Out<float>, Out<float>, Out<float>, In<float>>(),
             "shapes"_a, "shape"_a, "mass"_a, "inertia"_a, "center_of_mass"_a, "friction"_a, "restitution"_a, "priority"_a, "kinematic"_a,
             "position"_a.noconvert(), "wxyz"_a.noconvert(), "linear"_a.noconvert(), "angular"_a.noconvert(), "still"_a.noconvert(),
             "latent"_a, nb::keep_alive<1, 2>());
    nb::class_<Network>(m, "Network")
        .def(nb::new_([](In<float> values, int width, int latents) { return new Network(values.data(), values.size(), width, latents); }),
             "values"_a, "width"_a, "latents"_a);
    m.def("find_contacts", &find_contacts, "state"_a, "settings"_a, "dt"_a);
    m.def("looks", &looks, "state"_a, "settings"_a, "dt"_a);
    m.def("solve", &solve<float>, "reals"_a, "a"_a, "b"_a, "step"_a, "settings"_a, "impulse"_a.noconvert(), "after"_a.noconvert(),
          "mean"_a.noconvert());
    m.def("solve_double", &solve<double>, "reals"_a, "a"_a, "b"_a, "step"_a, "settings"_a, "impulse"_a.noconvert(), "after"_a.noconvert(),
          "mean"_a.noconvert());
    m.def("solve_adjoint", &solve_adjoint<float>, "reals"_a, "a"_a, "b"_a, "step"_a, "settings"_a, "given"_a, "found"_a.noconvert());
    m.def("solve_adjoint_double", &solve_adjoint<double>, "reals"_a, "a"_a, "b"_a, "step"_a, "settings"_a, "given"_a, "found"_a.noconvert());
    m.def("roll_out", &roll_out, "state"_a, "settings"_a, "dt"_a, "link_bodies"_a, "link_position"_a, "link_wxyz"_a,
          "position"_a.noconvert(), "wxyz"_a.noconvert(), "impulse"_a.noconvert(), "threads"_a, "network"_a.none() = nb::none());
    m.def("roll_out_gradient", &roll_out_gradient, "state"_a, "settings"_a, "dt"_a, "link_bodies"_a, "link_position"_a, "link_wxyz"_a,
          "position"_a.noconvert(), "wxyz"_a.noconvert(), "impulse"_a.noconvert(), "threads"_a, "given"_a, "found"_a.noconvert());
    m.def(
        "distances",
        [](const Shape& shape, In<float> points, Out<float> out) {
            const size_t n = points.size() / 3;
            checked(points, 3 * n, "points");
            Shape dot;
            dot.pieces.push_back({0, LANES, 0, 0, {}, {}, {}, 0});
            dot.vx = dot.vy = dot.vz = std::vector<float>(LANES, 0.f);
            kernels().distances(shape, dot, points.data(), int(n), checked(out, n, "distances"));
        },
        "shape"_a, "points"_a, "out"_a.noconvert());
    m.def("available_isas", &available_isas);
    m.def("isa", &isa);
    m.def("set_isa", &set_isa, "name"_a);
}

}  // namespace splatwm
