// One solve of given contacts, in single or double precision.

template <class T>
struct Problem {
    Array<Moving<T>> bodies;
    Array<Row<T>> rows;
    Array<Relative<T>> before;

    explicit Problem(const SolveInputs<T>& in) : bodies(in.bodies), rows(in.contacts), before(in.contacts) {
        for (int i = 0; i < in.bodies; i++)
            bodies[i] = {Vec<T>(in.before + 6 * i), in.inverse_mass[i], Vec<T>(in.before + 6 * i + 3), 0, Mat<T>(in.inverse_inertia + 9 * i)};
        for (int k = 0; k < in.contacts; k++) {
            Row<T>& c = rows[k];
            c.a = in.a[k], c.b = in.b[k];
            c.frame = Mat<T>(in.frame + 9 * k);
            c.arm_a = Vec<T>(in.arm_a + 3 * k), c.arm_b = Vec<T>(in.arm_b + 3 * k);
            c.gap = in.gap[k], c.restitution = in.restitution[k], c.position_bias = in.position_bias[k];
            for (int j = 0; j < 3; j++) c.friction[j] = in.friction[3 * k + j], c.bias[j] = in.velocity_bias[3 * k + j];
            for (int j = 0; j < 6; j++) c.impulse[j] = in.warm[6 * k + j];
            fill_relative(c);
            before[k] = relative(c, bodies[c.a], bodies[c.b]);
            fill_mobility(c, bodies[c.a], bodies[c.b]);
        }
        for (int i = 0; i < in.bodies; i++) bodies[i].v = Vec<T>(in.free + 6 * i), bodies[i].w = Vec<T>(in.free + 6 * i + 3);
    }
};

// Halfway between the velocities before and after, less what a semi-implicit integrator lags behind.
template <class T>
void mean_of(const SolveInputs<T>& in, const Settings& s, Array<Moving<T>>& mean) {
    const T share = std::max(T(0), T(0.5) - T(0.5) * T(s.timestep) / in.step);
    for (int i = 0; i < in.bodies; i++) {
        if (!(mean[i].inverse_mass > 0)) continue;
        mean[i].v += (Vec<T>(in.before + 6 * i) - mean[i].v) * share;
        mean[i].w += (Vec<T>(in.before + 6 * i + 3) - mean[i].w) * share;
    }
}

template <class T>
void solve(const SolveInputs<T>& in, const SolveOutputs<T>& out, const Settings& s) {
    Problem<T> p(in);
    solve_velocities(p.rows, p.bodies, p.before, in.step, T(0), s);
    Array<Moving<T>> mean = p.bodies;
    mean_of(in, s, mean);
    solve_positions(p.rows, p.bodies, mean, s);
    for (int k = 0; k < in.contacts; k++)
        for (int j = 0; j < 6; j++) out.impulse[6 * k + j] = p.rows[k].impulse[j];
    for (int i = 0; i < in.bodies; i++) {
        p.bodies[i].v.store(out.after + 6 * i), p.bodies[i].w.store(out.after + 6 * i + 3);
        mean[i].v.store(out.mean + 6 * i), mean[i].w.store(out.mean + 6 * i + 3);
    }
}
