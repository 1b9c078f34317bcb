// Gradients of a solve: its sweeps backwards, visit by visit, from what each visit saw. Masses are constants, and so are the
// mobilities by which a visit decides how far impulses go; at the fixed point the latter does not matter.

template <class T>
struct Visit {  // what a visit saw
    T u[6], impulse[6];
    Vec<T> spin_a, spin_b;
};

template <class T>
struct Pushing {  // what a visit of `solve_positions` saw and did
    T push, change;
    Vec<T> apart, spin_a, spin_b;  // relative velocity of the contact's points, and spins of both
};

template <class T>
struct RowGradient {
    T impulse[6]{}, target[6]{}, friction[3]{}, gap = 0, bias[3]{}, position_bias = 0;
    T linear_target = 0, softness = 0, friction_softness = 0, position_target = 0, push = 0;
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
Relative<T> apply_back(const Row<T>& c, const T* impulse, const Moving<T>& a, const Moving<T>& b, BodyGradient<T>& to_a, BodyGradient<T>& to_b,
                       GeometryGradient<T>& geometry) {
    const Vec<T> va = to_a.v * a.inverse_mass, vb = to_b.v * b.inverse_mass, wa = a.inverse_inertia * to_a.w, wb = b.inverse_inertia * to_b.w;
    const Vec<T> apart = vb + cross(wb, c.arm_b) - va - cross(wa, c.arm_a), turns = wb - wa;
    const Vec<T> f = transposed_times(c.frame, Vec<T>(impulse)), t = transposed_times(c.frame, Vec<T>(impulse + 3));
    const Vec<T> torque_a = cross(c.arm_a, f) + t, torque_b = cross(c.arm_b, f) + t;
    to_a.turn += cross(torque_a, wa) - cross(a.inverse_inertia * torque_a, to_a.w);
    to_b.turn += cross(b.inverse_inertia * torque_b, to_b.w) - cross(torque_b, wb);
    geometry.arm_a -= cross(f, wa), geometry.arm_b += cross(f, wb);
    for (int j = 0; j < 3; j++) geometry.rows[j] += impulse[j] * apart + impulse[j + 3] * turns;
    const Vec<T> u = c.frame * apart, r = c.frame * turns;
    return {{u.x, u.y, u.z, r.x, r.y, r.z}};
}

// One visit of `relax` backwards, of a row with the impulse that it saw. `g` holds the gradients after it and gets those
// before it; `u` gets those by velocities.
template <class T>
void relax_back(const Row<T>& c, const Visit<T>& seen, const Spring<T>& s, RowGradient<T>& g, T* u_bar) {
    T u[6], old[6], f[6], pressed = 0;
    for (int j = 0; j < 6; j++) u[j] = seen.u[j], f[j] = old[j] = c.impulse[j], u_bar[j] = 0;
    const T mu[6] = {0, c.friction[0], c.friction[0], c.friction[1], c.friction[2], c.friction[2]};
    const Press<T> p = c.acts ? press(c, u, mu, s) : Press<T>{};
    if (c.acts) pressed = std::max(T(0), f[0] + p.lack / p.resist);
    if (!(pressed > 0)) {
        for (int j = 0; j < 6; j++) g.impulse[j] = 0;
        return;
    }
    // forward once more, keeping what the way back needs
    f[0] = pressed;
    for (int j = 1; j < 6 && p.along; j++) f[j] = p.direction[j] * pressed;
    T radius[6], q[6], step[6], begun[6], speed = 0, size = 0, slide[6];
    for (int j = 0; j < 6; j++) {
        begun[j] = f[j];
        for (int i = 1; i < 6; i++) u[i] += c.mobility[j][i] * (f[j] - old[j]);
    }
    for (int j = 1; j < 6; j++) {
        slide[j] = u[j] - c.target[j], radius[j] = std::max(mu[j], T(1e-6));
        speed += mu[j] * mu[j] * slide[j] * slide[j];
    }
    const T creep = c.friction_softness, root = std::sqrt(speed), slides = root / pressed;
    const T slip = s.convex ? std::max(slides, creep) : slides + creep;
    for (int j = 1; j < 6; j++) {
        q[j] = slip / (radius[j] * radius[j]);
        step[j] = -(u[j] - c.target[j] + q[j] * f[j]) / (c.mobility[j][j] + q[j]);
        f[j] += step[j];
        for (int i = 1; i < 6; i++) u[i] += c.mobility[j][i] * step[j];
        size += f[j] * f[j] / (radius[j] * radius[j]);
    }
    T pressed_bar = g.impulse[0], radius_bar[6]{}, f_bar[6];
    for (int j = 1; j < 6; j++) f_bar[j] = g.impulse[j];
    if (size > pressed * pressed) {
        const T length = std::sqrt(size), scale = pressed / length;
        T scale_bar = 0;
        for (int j = 1; j < 6; j++) scale_bar += f_bar[j] * f[j], f_bar[j] *= scale;
        pressed_bar += scale_bar / length;
        const T size_bar = -scale_bar * pressed / (2 * size * length);
        for (int j = 1; j < 6; j++) {
            f_bar[j] += size_bar * 2 * f[j] / (radius[j] * radius[j]);
            radius_bar[j] -= size_bar * 2 * f[j] * f[j] / (radius[j] * radius[j] * radius[j]);
        }
    }
    T slip_bar = 0;
    for (int j = 5; j >= 1; j--) {
        T step_bar = f_bar[j];
        for (int i = 1; i < 6; i++) step_bar += c.mobility[j][i] * u_bar[i];
        const T divisor = c.mobility[j][j] + q[j], e_bar = -step_bar / divisor;
        u_bar[j] += e_bar, g.target[j] -= e_bar;
        const T q_bar = e_bar * begun[j] - step_bar * step[j] / divisor;
        f_bar[j] += e_bar * q[j];
        slip_bar += q_bar / (radius[j] * radius[j]);
        radius_bar[j] -= 2 * q_bar * slip / (radius[j] * radius[j] * radius[j]);
    }
    const bool sliding = !s.convex || slides > creep, creeping = !s.convex || !sliding;
    const T root_bar = sliding ? slip_bar / pressed : 0;
    pressed_bar -= root_bar * root / pressed;
    if (creeping) g.friction_softness += slip_bar;
    T mu_bar[6];
    for (int j = 1; j < 6; j++) {
        mu_bar[j] = mu[j] > T(1e-6) ? radius_bar[j] : 0;
        if (root > 0) {
            const T by_slide = root_bar * mu[j] * mu[j] * slide[j] / root;
            u_bar[j] += by_slide, g.target[j] -= by_slide;
            mu_bar[j] += root_bar * mu[j] * slide[j] * slide[j] / root;
        }
    }
    T old_bar[6]{};  // by the impulse before the visit, and by velocities that it had changed
    for (int j = 0; j < 6; j++) {
        T by = 0;
        for (int i = 1; i < 6; i++) by += c.mobility[j][i] * u_bar[i];
        old_bar[j] -= by;
        (j ? f_bar[j] : pressed_bar) += by;
    }
    if (p.along)
        for (int j = 1; j < 6; j++) pressed_bar += f_bar[j] * p.direction[j];
    const T lack_bar = pressed_bar / p.resist;
    old_bar[0] += pressed_bar - lack_bar * c.softness;
    u_bar[0] -= lack_bar, g.linear_target += lack_bar;
    g.softness -= lack_bar * old[0] + (p.along ? 0 : lack_bar * p.lack / p.resist);
    for (int j = 1; j < 6; j++) {
        if (!p.along) {
            old_bar[j] += f_bar[j];
            continue;
        }
        const T square = std::max(mu[j] * mu[j], T(1e-12)), left_bar = lack_bar * p.direction[j];
        const T direction_bar = f_bar[j] * pressed + lack_bar * p.left[j];
        g.target[j] += left_bar, u_bar[j] -= left_bar, old_bar[j] -= left_bar * creep / square;
        g.friction_softness -= left_bar * old[j] / square;
        if (mu[j] * mu[j] > T(1e-12)) mu_bar[j] += 2 * left_bar * old[j] * creep / (square * mu[j]);
        old_bar[j] += direction_bar / old[0], old_bar[0] -= direction_bar * old[j] / (old[0] * old[0]);
    }
    g.friction[0] += mu_bar[1] + mu_bar[2], g.friction[1] += mu_bar[3], g.friction[2] += mu_bar[4] + mu_bar[5];
    for (int j = 0; j < 6; j++) g.impulse[j] = old_bar[j];
}

// `set_targets` backwards; `before` and `normal` get gradients by the velocities that it saw, g.impulse those by the
// impulses it began with.
template <class T>
void targets_back(const Row<T>& c, const Spring<T>& s, RowGradient<T>& g, T* before, T& normal) {
    normal = 0;
    for (int j = 1; j < 6; j++) before[j] = g.target[j] * s.creep * s.lasts;
    before[0] = 0;
    for (int j = 1; j < 3; j++) g.bias[j] += g.target[j];
    g.position_bias += g.position_target, g.bias[0] += g.linear_target;
    if (c.bounces) {
        normal -= c.restitution * g.linear_target;
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
        by[k] = g.softness * spring.softness.g[k] + g.linear_target * spring.velocity.g[k] + by_position * spring.position.g[k] +
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
                const Relative<T> now = relative(c, bodies[c.a], bodies[c.b]);
                Visit<T> v;
                for (int j = 0; j < 6; j++) v.u[j] = now.u[j], v.impulse[j] = c.impulse[j];
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
                T change[6], u[6];
                for (int j = 0; j < 6; j++) change[j] = c.impulse[j] - seen.impulse[j], c.impulse[j] = seen.impulse[j];
                const Relative<T> change_bar = apply_back(c, change, bodies[c.a], bodies[c.b], after[c.a], after[c.b], geometry[i]);
                for (int j = 0; j < 6; j++) g[i].impulse[j] += change_bar.u[j];
                relax_back(c, seen, spring, g[i], u);
                for (int j = 0; j < 6; j++) g[i].impulse[j] -= change_bar.u[j];
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
            const Relative<T> warm = apply_back(c, c.impulse, bodies[c.a], bodies[c.b], after[c.a], after[c.b], geometry[i]);
            for (int j = 0; j < 6; j++) g[i].impulse[j] += warm.u[j];
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
                const T change_bar = apply_back(c, change, wide[c.a], wide[c.b], mean[c.a], mean[c.b], geometry[i]).u[0];
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
