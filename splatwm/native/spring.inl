// The spring of a contact: MuJoCo's soft constraint, integrated in parts as short as its own steps.
//
// With an acceleration a of free motion, mobility A of the contact and inverse masses m, the force of a part is
// (r'' - a) / (A + R) where r'' = -b v - d k r, R = m (1 - d) / d, and d(r) is the impedance at the gap r; it pushes only.
// A solver step of several parts sums their impulses. They are an almost straight function of a, which the solver gets as
// one target velocity and one softness; with a single part this is MuJoCo's own step.

template <class T>
struct Spring {  // of all contacts, in a step
    T step, stiffness, damping, creep, impedance[3];
    int parts;
    T lasts, yields;  // of sticking friction: what a step leaves of a velocity; velocity per impulse to that of a single part
    bool convex;  // the cone is MuJoCo's: what slips is lifted
    Spring(T h, const Settings& s)
        : step(h), stiffness(s.stiffness), damping(s.damping), creep(s.friction_softness),
          impedance{T(s.impedance[0]), T(s.impedance[1]), T(s.impedance[2])},
          parts(std::max({1, int(std::ceil(h / T(s.timestep) - T(0.01))), int(std::ceil(h * T(s.damping) / T(1.06)))})), convex(s.convex != 0) {
        lasts = 1;
        for (int i = 0; i < parts; i++) lasts *= 1 - step / T(parts) * damping;
        yields = damping > 0 ? (1 - lasts) / (step * damping) : T(1);
    }

    // In how many parts the spring of something with that normal velocity is integrated: it may not jump far into it.
    int parts_at(T normal) const {
        constexpr T MOST = 64, STRIDE = T(0.003);  // [m] of a part
        return std::max(parts, int(std::min(std::ceil(-normal * step / STRIDE), MOST)));
    }
};

// MuJoCo's impedance at a depth, with power 2 and midpoint 1/2.
template <class S, class T>
S impedance_at(const S& depth, const Spring<T>& s) {
    const T rise = s.impedance[1] - s.impedance[0];
    const S x = depth / S(s.impedance[2]);
    if (value_of(x) <= 0) return S(s.impedance[0]);
    if (value_of(x) >= 1) return S(s.impedance[1]);
    if (value_of(x) <= T(0.5)) return x * x * S(2 * rise) + S(s.impedance[0]);
    const S y = S(1) - x;
    return (S(1) - y * y * S(2)) * S(rise) + S(s.impedance[0]);
}

template <class S>
struct Sprung {
    S impulse, way, resistance;  // over a step, and R at its end
};

// A step of one contact alone, under an even acceleration of everything else; `pulls`: while closed it may pull, too.
template <class S, class T>
Sprung<S> sprung(const S& gap, const S& before, const S& acceleration, T mobility, T inverse_mass, int parts, bool pulls,
                 const Spring<T>& s) {
    const S part = S(s.step / T(parts)), resists = S(inverse_mass), yields = S(mobility);
    S v = before, r = gap, impulse(T(0)), resistance(T(0));
    for (int i = 0; i < parts; i++) {
        const S d = impedance_at(-r, s);
        resistance = (S(1) - d) / d * resists;
        const S wanted = v - part * (v * S(s.damping) + d * S(s.stiffness) * r);
        v = v + part * acceleration;
        const S push = (wanted - v) / (yields + resistance);
        if (value_of(r) < 0 && (pulls || value_of(push) > 0)) impulse = impulse + push, v = v + yields * push;
        r = r + part * v;
    }
    return {impulse, r - gap, resistance};
}

template <class S>
S nonnegative(const S& x) { return value_of(x) < 0 ? S(0) : x; }

template <class S>
struct Linear {  // impulse = (target - velocity) / softness
    S softness, velocity, position, resistance;
    bool presses;
};

// The contact near the normal velocity that free motion and the last impulses lead to. One that stays open is only kept
// from going through.
template <class S, class T>
Linear<S> linearized(const S& gap, const S& before, const S& normal, T mobility, T inverse_mass, int parts, const Spring<T>& s) {
    using D = Dual<S, 1>;
    const S h = S(s.step), acceleration = (normal - before) / h;
    const D found_by = D::variable(acceleration, 0);
    const bool closed = value_of(gap) <= 0;
    const Sprung<D> found = sprung(D(gap), D(before), found_by, mobility, inverse_mass, parts, closed, s);
    if (!(closed || value_of(found.impulse) > 0)) return {S(0), -gap / h, -gap / h, found.resistance.v, false};
    // impulse and end velocity follow the acceleration; the solver wants the one as a function of the other
    const S slope = -found.impulse.g[0], softness = nonnegative(h / slope - S(mobility));
    const S end = normal + S(mobility) * found.impulse.v;
    return {softness, end + softness * found.impulse.v, found.way.v / h, found.resistance.v, true};
}
