// Gradients of a solve: its sweeps backwards, visit by visit, from what each visit saw. Masses are constants, and so are the
// mobilities by which a visit decides how far impulses go; at the fixed point the latter does not matter.

template <class T>
struct Visit {  // what a visit saw
    T u[8], impulse[8];
    Vec<T> spin_a, spin_b;
};

template <class T>
struct Pushing {  // what a visit of `solve_positions` saw and did
    T push, change;
    Vec<T> apart, spin_a, spin_b;  // relative velocity of the contact's points, and spins of both
};

template <class T>
struct RowGradient {
    T impulse[8]{}, target[8]{}, friction[3]{}, gap = 0, bias[3]{}, position_bias = 0;
    T softness = 0, friction_softness = 0, position_target = 0, push = 0;
};

template <class T>
struct GeometryGradient {  // by the frame's rows and the arms of a contact
    Vec<T> rows[3], arm_a, arm_b;
};

// A body's velocities as gradients, and that by a turn [rad] of its inertia.
template <class T>
struct BodyGradient {
    Vec<T> v, w, turn;
};

// J^T: a gradient by relative velocities becomes one by the velocities of both bodies, which were these.
template <class T>
void relative_back(const Row<T>& c, const T* u, const Vec<T>& apart, const Vec<T>& spin_a, const Vec<T>& spin_b, BodyGradient<T>& a,
                   BodyGradient<T>& b, GeometryGradient<T>& geometry) {
    const Vec<T> f = transposed_times(c.frame, Vec<T>(u)), t = transposed_times(c.frame, Vec<T>(u + 3)), turns = spin_b - spin_a;
    a.v -= f, a.w -= cross(c.arm_a, f) + t;
    b.v += f, b.w += cross(c.arm_b, f) + t;
    geometry.arm_a -= cross(f, spin_a), geometry.arm_b += cross(f, spin_b);
    for (int j = 0; j < 3; j++) geometry.rows[j] += u[j] * apart + u[j + 3] * turns;
}

template <class T>
Vec<T> apart_of(const Row<T>& c, const Moving<T>& a, const Moving<T>& b) {
    return b.v + cross(b.w, c.arm_b) - a.v - cross(a.w, c.arm_a);
}

template <class T>
void relative_back(const Row<T>& c, const T* u, const Moving<T>& a, const Moving<T>& b, BodyGradient<T>& to_a, BodyGradient<T>& to_b,
                   GeometryGradient<T>& geometry) {
    relative_back(c, u, apart_of(c, a, b), a.w, b.w, to_a, to_b, geometry);
}

// `apply` backwards: the gradient by the impulse that both bodies got.
template <class T>
Six<T> apply_back(const Row<T>& c, const T* impulse, const Moving<T>& a, const Moving<T>& b, BodyGradient<T>& to_a, BodyGradient<T>& to_b,
                  GeometryGradient<T>& geometry) {
    const Vec<T> f = transposed_times(c.frame, Vec<T>(impulse)), t = transposed_times(c.frame, Vec<T>(impulse + 3));
    Moving<T> moved_a{}, moved_b{};  // what the gradients are as velocities
    auto back = [&](const Moving<T>& m, BodyGradient<T>& to, const Vec<T>& arm, T sign, Moving<T>& moved) {
        if (!(m.inverse_mass > 0)) return;
        moved.v = to.v * m.inverse_mass, moved.w = m.inverse_inertia * to.w;
        const Vec<T> torque = cross(arm, f) + t;
        to.turn += (cross(m.inverse_inertia * torque, to.w) - cross(torque, moved.w)) * sign;
    };
    back(a, to_a, c.arm_a, T(-1), moved_a), back(b, to_b, c.arm_b, T(1), moved_b);
    geometry.arm_a -= cross(f, moved_a.w), geometry.arm_b += cross(f, moved_b.w);
    const Vec<T> apart = apart_of(c, moved_a, moved_b), turns = moved_b.w - moved_a.w;
    for (int j = 0; j < 3; j++) geometry.rows[j] += impulse[j] * apart + impulse[j + 3] * turns;
    return relative_six(c, moved_a, moved_b);
}

// One visit of `relax` backwards, of a row with the impulse that it saw. `g` holds the gradients after it and gets those
// before it; `by_u` gets those by velocities. A name ending in _bar is a gradient by what it is named after.
template <class T>
void relax_back(const Row<T>& c, const Visit<T>& seen, const Spring<T>& s, RowGradient<T>& g, Six<T>& by_u) {
    const Six<T> old = six(c.impulse), target = six(c.target), yields = six(c.yields), radii = six(c.radii), squares = six(c.squares);
    const Six<T> left = target - six(seen.u) - yields * old;
    const bool along = s.convex && old[0] > T(1e-9);
    by_u = Six<T>{};
    // forward once more, keeping what the way back needs
    Six<T> direction{1}, yielding = six(c.mobility[0]);
    T lack = left[0], resist = c.mobility[0][0] + c.softness;
    if (along) {
        direction = old * (1 / old[0]), yielding = moved_by(c, direction);
        lack = sum_of<T>(direction * left), resist = sum_of<T>(direction * (yielding + direction * yields));
    }
    const T pressed = c.acts ? std::max(T(0), old[0] + lack / resist) : T(0);
    if (!(pressed > 0)) {
        store_six<T>(Six<T>{}, g.impulse);
        return;
    }
    Six<T> begun = along ? direction * pressed : old;
    begun[0] = 0;
    const Six<T> slide = six(seen.u) + yielding * (pressed - old[0]) - target;
    const T creep = c.friction_softness, root = std::sqrt(sum_of<T>(squares * slide * slide)), slides = root / pressed;
    const T slip = s.convex ? std::max(slides, creep) : slides + creep;
    const Six<T> q = radii * slip, share = T(1) / (six(c.diagonal) + q);
    Six<T> lacks = (slide + q * begun) * share, steps{};
    for (int j = 1; j < 6; j++) {
        const T step = -lacks[j];
        steps[j] = step, lacks += six(c.mobility[j]) * share * step;
    }
    const Six<T> f = begun + steps;
    const T size = sum_of<T>(f * f * radii);

    Six<T> f_bar = six(g.impulse), radii_bar{};
    T pressed_bar = f_bar[0];
    f_bar[0] = 0;
    if (size > pressed * pressed) {
        const T length = std::sqrt(size), scale_bar = sum_of<T>(f_bar * f), size_bar = -scale_bar * pressed / (2 * size * length);
        f_bar = f_bar * (pressed / length) + f * radii * (2 * size_bar);
        pressed_bar += scale_bar / length;
        radii_bar = f * f * size_bar;
    }
    Six<T> by_step = f_bar, step_bar{}, u_bar{};
    for (int j = 5; j >= 1; j--) {
        const T by = by_step[j], e_bar = -by * share[j];
        step_bar[j] = by, u_bar[j] = e_bar, by_step += six(c.mobility[j]) * e_bar;
    }
    const Six<T> q_bar = u_bar * begun - step_bar * steps * share;
    Six<T> target_bar = -u_bar;
    f_bar += u_bar * q, radii_bar += q_bar * slip;
    const T slip_bar = sum_of<T>(q_bar * radii);
    const bool sliding = !s.convex || slides > creep, creeping = !s.convex || !sliding;
    const T root_bar = sliding ? slip_bar / pressed : 0;
    pressed_bar -= root_bar * root / pressed;
    if (creeping) g.friction_softness += slip_bar;
    Six<T> mu_bar = radii_bar * radii * T(-2);  // times the frictions themselves
    if (root > 0) {
        const Six<T> by_slide = squares * slide * (root_bar / root);
        u_bar += by_slide, target_bar -= by_slide, mu_bar += by_slide * slide;
    }
    const Six<T> by = moved_by(c, u_bar);
    Six<T> old_bar = -by;
    pressed_bar += by[0];
    f_bar += by;
    f_bar[0] = 0;
    if (along) pressed_bar += sum_of<T>(f_bar * direction);
    const T lack_bar = pressed_bar / resist;
    const Six<T> left_bar = along ? direction * lack_bar : Six<T>{lack_bar};
    u_bar -= left_bar, target_bar += left_bar, old_bar -= left_bar * yields;
    g.softness -= lack_bar * old[0] + (along ? 0 : lack_bar * lack / resist);
    if (along) {
        const Six<T> by_softness = left_bar * old * radii;
        Six<T> direction_bar = f_bar * pressed + left * lack_bar;
        direction_bar[0] = 0;
        g.friction_softness -= sum_of<T>(by_softness);
        mu_bar += by_softness * (2 * creep);
        old_bar += direction_bar / old[0];
        old_bar[0] -= sum_of<T>(direction_bar * old) / (old[0] * old[0]);
    } else {
        old_bar += f_bar;
    }
    old_bar[0] += pressed_bar;
    const T *mu = c.friction;
    auto per = [](T m) { return m > T(1e-6) ? 1 / m : T(0); };
    g.friction[0] += (mu_bar[1] + mu_bar[2]) * per(mu[0]), g.friction[1] += mu_bar[3] * per(mu[1]);
    g.friction[2] += (mu_bar[4] + mu_bar[5]) * per(mu[2]);
    store_six<T>(six(g.target) + target_bar, g.target);
    store_six<T>(old_bar, g.impulse);
    by_u = u_bar;
}

// `set_targets` backwards; `before` and `normal` get gradients by the velocities that it saw, g.impulse those by the
// impulses it began with.
template <class T>
void targets_back(const Row<T>& c, const Spring<T>& s, RowGradient<T>& g, T* before, T& normal) {
    normal = 0;
    for (int j = 1; j < 6; j++) before[j] = g.target[j] * s.creep * s.lasts;
    before[0] = 0;
    for (int j = 1; j < 3; j++) g.bias[j] += g.target[j];
    g.position_bias += g.position_target, g.bias[0] += g.target[0];
    if (c.bounces) {
        normal -= c.restitution * g.target[0];
        if (c.gap > 0) g.gap -= g.position_target / s.step;
        return;
    }
    using D = Dual<T, 3>;
    const Linear<D> spring = linearized(D::variable(c.gap, 0), D::variable(c.before, 1), D::variable(c.alone, 2), c.mobility[0][0],
                                        c.inverse_mass, c.parts, s);
    const T creep = s.creep * c.friction[0] * s.yields, by_resistance = g.friction_softness * creep * c.friction[0];
    const T by_position = c.asks ? g.position_target : 0;
    T by[3];
    for (int k = 0; k < 3; k++)
        by[k] = g.softness * spring.softness.g[k] + g.target[0] * spring.velocity.g[k] + by_position * spring.position.g[k] +
                by_resistance * spring.resistance.g[k];
    g.gap += by[0], before[0] += by[1], normal += by[2];
    g.impulse[0] -= c.mobility[0][0] * by[2], g.bias[0] -= by[2];
    g.friction[0] += 2 * g.friction_softness * creep * spring.resistance.v;
}

// A solve that remembers, and the gradients of what comes out of it by what goes in.
template <class T>
struct Backward {
    Array<Moving<T>> start;         // velocities at the start of the step
    Array<Moving<T>> bodies;        // with the velocities of free motion; after `forward`, with those at the end
    Array<Row<T>> rows;             // with the impulses to begin with, after `forward` those at the end, then the former again
    Array<Relative<T>> before;
    T step, tolerance;
    const Settings* settings;
    Array<Moving<T>> wide{};  // with the mean velocities
    Array<RowGradient<T>> g{};  // `impulse` is by the impulses at the end, and after `backward` by those to begin with
    Array<BodyGradient<T>> after{}, mean{}, first{};  // by velocities: at the end, and then of free motion; mean; at the start
    Array<GeometryGradient<T>> geometry{};

    Backward(Array<Moving<T>> started, const Array<Moving<T>>& free, Array<Row<T>> contacts, const Array<Relative<T>>& seen, T h, T enough,
             const Settings& chosen)
        : start(std::move(started)), bodies(free), rows(std::move(contacts)), before(seen), step(h), tolerance(enough), settings(&chosen) {}

    int order(int sweep, int k) const { return sweep % 2 == 0 ? k : int(rows.size()) - 1 - k; }

    void forward() {
        const Settings& s = *settings;
        const int n = int(rows.size());
        const Spring<T> spring(step, s);
        for (Row<T>& c : rows) apply(c, six(c.impulse), bodies[c.a], bodies[c.b]);
        warmed = bodies;
        for (int i = 0; i < n; i++) {
            Row<T>& c = rows[i];
            c.inverse_mass = bodies[c.a].inverse_mass + bodies[c.b].inverse_mass;
            set_targets(c, before[i].u, normal_velocity(c, bodies[c.a], bodies[c.b]), spring);
        }
        visits.reserve(size_t(4) * n);
        for (bool more = true; more && sweeps < s.sweeps; sweeps++) {
            T changed = 0, all = 0;
            for (int k = 0; k < n; k++) {
                Row<T>& c = rows[order(sweeps, k)];
                Visit<T> v;
                store_six<T>(relative_six(c, bodies[c.a], bodies[c.b]), v.u), store_six<T>(six(c.impulse), v.impulse);
                v.spin_a = bodies[c.a].w, v.spin_b = bodies[c.b].w;
                visits.push_back(v);
                changed += relax(c, bodies[c.a], bodies[c.b], spring);
                all += c.impulse[0] * c.impulse[0];
            }
            more = !(tolerance > 0 && changed < tolerance * tolerance * all);
        }
        wide = bodies;
        for (size_t i = 0; i < wide.size(); i++)
            if (wide[i].inverse_mass > 0)
                wide[i].v += (start[i].v - wide[i].v) * share(i), wide[i].w += (start[i].w - wide[i].w) * share(i);
        for (const Row<T>& c : rows) asked |= c.pushes || c.parts > 1 || c.position_bias != 0;
        if (asked) push();
    }

    // `after`, `mean` and g's `impulse` hold the gradients of what comes out.
    void backward() {
        const Settings& s = *settings;
        const int n = int(rows.size());
        const Spring<T> spring(step, s);
        geometry.assign(n, {}), first.assign(bodies.size(), {});
        if (asked) push_back();
        for (size_t i = 0; i < bodies.size(); i++) {
            after[i].v += mean[i].v * (1 - share(i)), after[i].w += mean[i].w * (1 - share(i)), after[i].turn += mean[i].turn;
            first[i].v += mean[i].v * share(i), first[i].w += mean[i].w * share(i);
        }
        for (int sweep = sweeps; sweep-- > 0;)
            for (int k = n; k-- > 0;) {
                const int i = order(sweep, k);
                Row<T>& c = rows[i];
                const Visit<T>& seen = visits[size_t(sweep) * n + k];
                const Six<T> before_it = six(seen.impulse);
                T change[8], u[8];
                store_six<T>(six(c.impulse) - before_it, change), store_six<T>(before_it, c.impulse);
                const Six<T> change_bar = apply_back(c, change, bodies[c.a], bodies[c.b], after[c.a], after[c.b], geometry[i]);
                store_six<T>(six(g[i].impulse) + change_bar, g[i].impulse);
                Six<T> by_u;
                relax_back(c, seen, spring, g[i], by_u);
                store_six<T>(six(g[i].impulse) - change_bar, g[i].impulse), store_six<T>(by_u, u);
                const Vec<T> apart = transposed_times(c.frame, Vec<T>(seen.u));
                relative_back(c, u, apart, seen.spin_a, seen.spin_b, after[c.a], after[c.b], geometry[i]);
            }
        for (int i = 0; i < n; i++) {
            const Row<T>& c = rows[i];
            T seen[6], u[6]{};
            targets_back(c, spring, g[i], seen, u[0]);
            relative_back(c, u, warmed[c.a], warmed[c.b], after[c.a], after[c.b], geometry[i]);
            relative_back(c, seen, start[c.a], start[c.b], first[c.a], first[c.b], geometry[i]);
        }
        for (int i = 0; i < n; i++) {
            const Row<T>& c = rows[i];
            const Six<T> warm = apply_back(c, c.impulse, bodies[c.a], bodies[c.b], after[c.a], after[c.b], geometry[i]);
            for (int j = 0; j < 6; j++) g[i].impulse[j] += warm[j];
        }
    }

private:
    Array<Visit<T>> visits{};
    Array<Pushing<T>> pushed{};
    Array<Moving<T>> warmed{};
    int sweeps = 0;
    bool asked = false;  // something is asked of displacements

    T share(size_t i) const {  // of the start's velocity in the mean one
        return bodies[i].inverse_mass > 0 ? std::max(T(0), T(0.5) - T(0.5) * T(settings->timestep) / step) : T(0);
    }

    void push() {
        const int n = int(rows.size());
        pushed.resize(size_t(settings->position_sweeps) * n);
        for (Row<T>& c : rows) begin_push(c, bodies[c.a], bodies[c.b]);
        for (int sweep = 0; sweep < settings->position_sweeps; sweep++)
            for (int k = 0; k < n; k++) {
                Row<T>& c = rows[order(sweep, k)];
                if (!c.pushes) continue;
                Moving<T>&a = wide[c.a], &b = wide[c.b];
                T push = c.push + (c.position_target - normal_velocity(c, a, b)) / c.mobility[0][0];
                if (!c.follows) push = std::max(T(0), push);
                pushed[size_t(sweep) * n + k] = {push, push - c.push, apart_of(c, a, b), a.w, b.w};
                apply_normal(c, push - c.push, a, b);
                c.push = push;
            }
    }

    void push_back() {
        const int n = int(rows.size());
        for (int sweep = settings->position_sweeps; sweep-- > 0;)
            for (int k = n; k-- > 0;) {
                const int i = order(sweep, k);
                const Row<T>& c = rows[i];
                if (!c.pushes) continue;
                const Pushing<T>& seen = pushed[size_t(sweep) * n + k];
                const T change[6] = {seen.change};
                const T change_bar = apply_back(c, change, wide[c.a], wide[c.b], mean[c.a], mean[c.b], geometry[i])[0];
                const T push_bar = g[i].push + change_bar;
                g[i].push = -change_bar;
                if (!c.follows && !(seen.push > 0)) continue;
                g[i].push += push_bar;
                g[i].position_target += push_bar / c.mobility[0][0];
                const T u[6] = {-push_bar / c.mobility[0][0]};
                relative_back(c, u, seen.apart, seen.spin_a, seen.spin_b, mean[c.a], mean[c.b], geometry[i]);
            }
        for (int i = 0; i < n; i++) {
            const Row<T>& c = rows[i];
            if (!c.follows) continue;
            const T u[6] = {g[i].position_target};
            relative_back(c, u, bodies[c.a], bodies[c.b], after[c.a], after[c.b], geometry[i]);
        }
    }
};

template <class T>
void solve_adjoint(const SolveInputs<T>& in, const SolveGradients<T>& out, const Settings& s) {
    Problem<T> p(in);
    Array<Moving<T>> start = p.bodies;
    for (int i = 0; i < in.bodies; i++) start[i].v = Vec<T>(in.before + 6 * i), start[i].w = Vec<T>(in.before + 6 * i + 3);
    Backward<T> back(start, p.bodies, std::move(p.rows), p.before, in.step, T(0), s);
    back.g.resize(in.contacts), back.after.resize(in.bodies), back.mean.resize(in.bodies);
    for (int i = 0; i < in.bodies; i++) {
        back.mean[i] = {Vec<T>(out.mean + 6 * i), Vec<T>(out.mean + 6 * i + 3), {}};
        back.after[i] = {Vec<T>(out.after + 6 * i), Vec<T>(out.after + 6 * i + 3), {}};
    }
    for (int k = 0; k < in.contacts; k++)
        for (int j = 0; j < 6; j++) back.g[k].impulse[j] = out.impulse[6 * k + j];
    back.forward();
    back.backward();
    for (int i = 0; i < in.contacts; i++) {
        const RowGradient<T>& g = back.g[i];
        for (int j = 0; j < 6; j++) out.warm[6 * i + j] = g.impulse[j];
        for (int j = 0; j < 3; j++) out.friction[3 * i + j] = g.friction[j], out.velocity_bias[3 * i + j] = g.bias[j];
        out.gap[i] = g.gap, out.position_bias[i] = g.position_bias;
    }
    for (int i = 0; i < in.bodies; i++) {
        back.first[i].v.store(out.before + 6 * i), back.first[i].w.store(out.before + 6 * i + 3);
        back.after[i].v.store(out.free + 6 * i), back.after[i].w.store(out.free + 6 * i + 3);
    }
}
