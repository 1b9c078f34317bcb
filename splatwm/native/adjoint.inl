// Gradients of a solve: its sweeps backwards, visit by visit, from what each visit saw. Mobilities, masses and how
// far impulses go along their own direction in a visit are constants; at the fixed point the latter does not matter.

template <class T>
struct Visit {  // what a visit saw
    T u[6], impulse[6];
};

template <class T>
struct RowGradient {
    T impulse[6]{}, target[6]{}, friction[3]{}, gap = 0, bias[3]{}, position_bias = 0;
    T linear_target = 0, softness = 0, friction_softness = 0, position_target = 0, push = 0;
};

// J^T: a gradient by relative velocities becomes one by the velocities of both bodies.
template <class T>
void spread(const Row<T>& c, const T* u, Moving<T>& a, Moving<T>& b) {
    const Vec<T> f = transposed_times(c.frame, Vec<T>(u)), t = transposed_times(c.frame, Vec<T>(u + 3));
    a.v -= f, a.w -= cross(c.arm_a, f) + t;
    b.v += f, b.w += cross(c.arm_b, f) + t;
}

// (J M^-1) applied to a gradient by velocities: the gradient by an impulse that was given to both bodies.
template <class T>
Relative<T> by_impulse(const Row<T>& c, const Moving<T>& a, const Moving<T>& b) {
    Moving<T> x = a, y = b;
    x.v *= a.inverse_mass, x.w = a.inverse_inertia * a.w;
    y.v *= b.inverse_mass, y.w = b.inverse_inertia * b.w;
    return relative(c, x, y);
}

// One visit of `relax` backwards. `g` holds the gradients after it and gets those before it; `u` gets those by velocities.
template <class T>
void relax_back(const Row<T>& row, const Visit<T>& seen, const Spring<T>& s, RowGradient<T>& g, T* u_bar) {
    Row<T> c = row;
    T u[6], old[6], f[6], pressed = 0;
    for (int j = 0; j < 6; j++) u[j] = seen.u[j], c.impulse[j] = f[j] = old[j] = seen.impulse[j], u_bar[j] = 0;
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

template <class T>
void solve_adjoint(const SolveInputs<T>& in, const SolveGradients<T>& out, const Settings& s) {
    Problem<T> p(in);
    const Spring<T> spring(in.step, s);
    const int n = in.contacts, o = in.bodies;
    auto order = [n](int sweep, int k) { return sweep % 2 == 0 ? k : n - 1 - k; };
    // forward, remembering
    Array<Visit<T>> visits(size_t(s.sweeps) * n);
    for (Row<T>& c : p.rows) apply(c, c.impulse, p.bodies[c.a], p.bodies[c.b]);
    for (int i = 0; i < n; i++) {
        Row<T>& c = p.rows[i];
        c.inverse_mass = p.bodies[c.a].inverse_mass + p.bodies[c.b].inverse_mass;
        set_targets(c, p.before[i].u, normal_velocity(c, p.bodies[c.a], p.bodies[c.b]), spring);
    }
    for (int sweep = 0; sweep < s.sweeps; sweep++)
        for (int k = 0; k < n; k++) {
            Row<T>& c = p.rows[order(sweep, k)];
            Visit<T>& v = visits[size_t(sweep) * n + k];
            const Relative<T> now = relative(c, p.bodies[c.a], p.bodies[c.b]);
            for (int j = 0; j < 6; j++) v.u[j] = now.u[j], v.impulse[j] = c.impulse[j];
            relax(c, p.bodies[c.a], p.bodies[c.b], spring);
        }
    Array<Moving<T>> mean = p.bodies;
    mean_of(in, s, mean);
    Array<T> pushed(size_t(s.position_sweeps) * n);
    for (Row<T>& c : p.rows) begin_push(c, p.bodies[c.a], p.bodies[c.b]);
    for (int sweep = 0; sweep < s.position_sweeps; sweep++)
        for (int k = 0; k < n; k++) {
            Row<T>& c = p.rows[order(sweep, k)];
            if (!c.pushes) continue;
            Moving<T>&a = mean[c.a], &b = mean[c.b];
            T push = c.push + (c.position_target - normal_velocity(c, a, b)) / c.mobility[0][0];
            if (!c.follows) push = std::max(T(0), push);
            const T change[6] = {push - c.push};
            apply(c, change, a, b);
            pushed[size_t(sweep) * n + k] = c.push = push;
        }
    // backward
    Array<RowGradient<T>> g(n);
    Array<Moving<T>> after = p.bodies, wide = p.bodies, start = p.bodies;
    for (int i = 0; i < o; i++) {
        wide[i].v = Vec<T>(out.mean + 6 * i), wide[i].w = Vec<T>(out.mean + 6 * i + 3);
        after[i].v = Vec<T>(out.after + 6 * i), after[i].w = Vec<T>(out.after + 6 * i + 3);
        start[i].v = start[i].w = {};
    }
    for (int k = 0; k < n; k++)
        for (int j = 0; j < 6; j++) g[k].impulse[j] = out.impulse[6 * k + j];
    for (int sweep = s.position_sweeps; sweep-- > 0;)
        for (int k = n; k-- > 0;) {
            const int i = order(sweep, k);
            const Row<T>& c = p.rows[i];
            if (!c.pushes) continue;
            const T change_bar = by_impulse(c, wide[c.a], wide[c.b]).u[0], push_bar = g[i].push + change_bar;
            g[i].push = -change_bar;
            if (!c.follows && !(pushed[size_t(sweep) * n + k] > 0)) continue;
            g[i].push += push_bar;
            g[i].position_target += push_bar / c.mobility[0][0];
            const T u[6] = {-push_bar / c.mobility[0][0]};
            spread(c, u, wide[c.a], wide[c.b]);
        }
    for (int i = 0; i < n; i++)
        if (p.rows[i].follows) {
            const T u[6] = {g[i].position_target};
            spread(p.rows[i], u, after[p.rows[i].a], after[p.rows[i].b]);
        }
    const T share = std::max(T(0), T(0.5) - T(0.5) * T(s.timestep) / in.step);
    for (int i = 0; i < o; i++) {
        const T part = p.bodies[i].inverse_mass > 0 ? share : 0;
        after[i].v += wide[i].v * (1 - part), after[i].w += wide[i].w * (1 - part);
        start[i].v += wide[i].v * part, start[i].w += wide[i].w * part;
    }
    for (int sweep = s.sweeps; sweep-- > 0;)
        for (int k = n; k-- > 0;) {
            const int i = order(sweep, k);
            const Row<T>& c = p.rows[i];
            const Relative<T> change_bar = by_impulse(c, after[c.a], after[c.b]);
            for (int j = 0; j < 6; j++) g[i].impulse[j] += change_bar.u[j];
            T u[6];
            relax_back(c, visits[size_t(sweep) * n + k], spring, g[i], u);
            for (int j = 0; j < 6; j++) g[i].impulse[j] -= change_bar.u[j];
            spread(c, u, after[c.a], after[c.b]);
        }
    for (int i = 0; i < n; i++) {
        const Row<T>& c = p.rows[i];
        T before[6], u[6]{};
        targets_back(c, spring, g[i], before, u[0]);
        spread(c, u, after[c.a], after[c.b]);
        spread(c, before, start[c.a], start[c.b]);
    }
    for (int i = 0; i < n; i++) {
        const Relative<T> warm = by_impulse(p.rows[i], after[p.rows[i].a], after[p.rows[i].b]);
        for (int j = 0; j < 6; j++) out.warm[6 * i + j] = g[i].impulse[j] + warm.u[j];
        for (int j = 0; j < 3; j++) out.friction[3 * i + j] = g[i].friction[j], out.velocity_bias[3 * i + j] = g[i].bias[j];
        out.gap[i] = g[i].gap, out.position_bias[i] = g[i].position_bias;
    }
    for (int i = 0; i < o; i++) {
        start[i].v.store(out.before + 6 * i), start[i].w.store(out.before + 6 * i + 3);
        after[i].v.store(out.free + 6 * i), after[i].w.store(out.free + 6 * i + 3);
    }
}
