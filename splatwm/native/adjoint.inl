// Gradients of a solve: its sweeps backwards, visit by visit, from what each visit saw. Mobilities, masses and the slopes
// of Newton steps are constants; at the fixed point the slopes do not matter.

template <class T>
struct Dual {  // a number with its derivatives by gap and normal velocity
    T v, g[2];
    Dual(T value = 0, T by_gap = 0, T by_normal = 0) : v(value), g{by_gap, by_normal} {}
    Dual operator-() const { return {-v, -g[0], -g[1]}; }
    friend Dual operator+(Dual a, Dual b) { return {a.v + b.v, a.g[0] + b.g[0], a.g[1] + b.g[1]}; }
    friend Dual operator-(Dual a, Dual b) { return a + -b; }
    friend Dual operator*(Dual a, Dual b) { return {a.v * b.v, a.g[0] * b.v + a.v * b.g[0], a.g[1] * b.v + a.v * b.g[1]}; }
    friend Dual operator/(Dual a, Dual b) {
        const T q = a.v / b.v;
        return {q, (a.g[0] - q * b.g[0]) / b.v, (a.g[1] - q * b.g[1]) / b.v};
    }
};
template <class T>
T value_of(const Dual<T>& x) { return x.v; }

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
void relax_back(const Row<T>& c, const Visit<T>& seen, const Spring<T>& s, RowGradient<T>& g, T* u_bar) {
    T u[6], old[6], f[6];
    for (int j = 0; j < 6; j++) u[j] = seen.u[j], f[j] = old[j] = seen.impulse[j], u_bar[j] = 0;
    SpringLaw<T> law{};
    T softness = c.softness, target = c.linear_target, creep = c.friction_softness;
    if (c.springs) {
        law = spring_law(c.gap, u[0] - c.bias[0], c.target[0], c.inverse_mass, s);
        softness = 1 / law.slope, target = u[0] + softness * law.impulse;
        creep = s.creep * c.friction[0] * c.friction[0] / (law.share * (1 + s.step * s.damping));
    }
    const T resist = c.mobility[0][0] + softness, lack = u[0] - target + softness * f[0];
    const T pressed = std::max(T(0), f[0] - lack / resist);
    if (!(pressed > 0)) {
        for (int j = 0; j < 6; j++) g.impulse[j] = 0;
        return;
    }
    // forward once more, keeping what the way back needs
    const T mu[6] = {0, c.friction[0], c.friction[0], c.friction[1], c.friction[2], c.friction[2]};
    T radius[6], q[6], step[6], speed = 0, size = 0, slide[6];
    for (int j = 1; j < 6; j++) {
        u[j] += c.mobility[0][j] * (pressed - old[0]);
        slide[j] = u[j] - c.target[j], radius[j] = std::max(mu[j], T(1e-6));
        speed += mu[j] * mu[j] * slide[j] * slide[j];
    }
    const T root = std::sqrt(speed), slip = root / pressed + creep;
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
        const T q_bar = e_bar * old[j] - step_bar * step[j] / divisor;
        f_bar[j] += e_bar * q[j];
        slip_bar += q_bar / (radius[j] * radius[j]);
        radius_bar[j] -= 2 * q_bar * slip / (radius[j] * radius[j] * radius[j]);
    }
    const T root_bar = slip_bar / pressed;
    pressed_bar -= slip_bar * root / (pressed * pressed);
    T mu_bar[6];
    for (int j = 1; j < 6; j++) {
        mu_bar[j] = mu[j] > T(1e-6) ? radius_bar[j] : 0;
        if (root > 0) {
            const T by_slide = root_bar * mu[j] * mu[j] * slide[j] / root;
            u_bar[j] += by_slide, g.target[j] -= by_slide;
            mu_bar[j] += root_bar * mu[j] * slide[j] * slide[j] / root;
        }
    }
    g.friction[0] += mu_bar[1] + mu_bar[2], g.friction[1] += mu_bar[3], g.friction[2] += mu_bar[4] + mu_bar[5];
    T first_bar = 0;  // by the normal impulse before the visit
    for (int j = 1; j < 6; j++) pressed_bar += c.mobility[0][j] * u_bar[j], first_bar -= c.mobility[0][j] * u_bar[j];
    if (c.springs) {
        const T law_bar = pressed_bar * softness / resist;
        first_bar += pressed_bar * (1 - softness / resist);
        const T share_bar = law.share > 0 ? -slip_bar * creep / law.share : 0;
        g.friction[0] += c.friction[0] > 0 ? 2 * slip_bar * creep / c.friction[0] : 0;
        const T by_share_depth = share_bar * law.share_per_depth;
        const T v_bar = law_bar * law.per_velocity - s.step * by_share_depth;
        u_bar[0] += v_bar, g.bias[0] -= v_bar;
        g.gap -= law_bar * law.per_depth + by_share_depth;
        g.target[0] += law_bar * law.share;
    } else {
        u_bar[0] -= pressed_bar / resist, g.linear_target += pressed_bar / resist;
        g.softness += pressed_bar * (lack / resist - old[0]) / resist;
        g.friction_softness += slip_bar;
        first_bar += pressed_bar * (1 - softness / resist);
    }
    g.impulse[0] = first_bar;
    for (int j = 1; j < 6; j++) g.impulse[j] = f_bar[j];
}

// `set_targets` backwards; `before` and `normal` get gradients by the velocities that it saw.
template <class T>
void targets_back(const Row<T>& c, T normal, const Spring<T>& s, RowGradient<T>& g, T* before, T& normal_bar) {
    const T h = s.step, damped = 1 + h * s.damping;
    normal_bar = 0;
    for (int j = 1; j < 6; j++) before[j] = g.target[j] * s.creep / damped;
    before[0] = c.springs ? g.target[0] : 0;
    for (int j = 1; j < 3; j++) g.bias[j] += g.target[j];
    g.position_bias += g.position_target;
    if (c.springs) return;
    g.bias[0] += g.linear_target;
    if (c.bounces) {
        normal_bar -= c.restitution * g.linear_target;
        if (c.gap > 0) g.gap -= g.position_target / h;
        return;
    }
    using D = Dual<T>;
    const OpenTargets<D> o = open_targets(D(c.gap, 1, 0), D(normal, 0, 1), c.inverse_mass, s);
    const T creep = s.creep * c.friction[0] * c.friction[0] / damped;
    for (int k = 0; k < 2; k++) {
        const T by = g.softness * o.softness.g[k] + g.linear_target * o.velocity.g[k] + g.position_target * o.position.g[k] +
                     g.friction_softness * creep * o.resistance.g[k];
        (k == 0 ? g.gap : normal_bar) += by;
    }
    if (c.friction[0] > 0) g.friction[0] += 2 * g.friction_softness * creep / c.friction[0] * o.resistance.v;
}

template <class T>
void solve_adjoint(const SolveInputs<T>& in, const SolveGradients<T>& out, const Settings& s) {
    Problem<T> p(in);
    const Spring<T> spring(in.step, s);
    const int n = in.contacts, o = in.bodies;
    auto order = [n](int sweep, int k) { return sweep % 2 == 0 ? k : n - 1 - k; };
    // forward, remembering
    Array<T> normal(n);
    Array<Visit<T>> visits(size_t(s.sweeps) * n);
    for (Row<T>& c : p.rows) apply(c, c.impulse, p.bodies[c.a], p.bodies[c.b]);
    for (int i = 0; i < n; i++) {
        Row<T>& c = p.rows[i];
        c.inverse_mass = p.bodies[c.a].inverse_mass + p.bodies[c.b].inverse_mass;
        normal[i] = normal_velocity(c, p.bodies[c.a], p.bodies[c.b]);
        set_targets(c, p.before[i].u, normal[i], spring);
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
    const T share = std::max(T(0), T(0.5) - T(0.5) * T(s.lag) / in.step);
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
        targets_back(c, normal[i], spring, g[i], before, u[0]);
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
