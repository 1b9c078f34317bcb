// What the Python module calls: contacts of one environment, one solve, rollouts of many environments.

inline void find_contacts(const Bodies& s, const Settings& settings, float dt, TakeContact take, void* to) {
    World world;
    world.begin(s, settings);
    for (int i = 0; i < s.count; i++) world.awake[i] = s.shape[i] && (!s.kinematic[i] || world.moves(i));
    detect(s, world.poses.data(), world.awake.data(), world.linked.data(), world.last, settings, dt, world.finding, world.contacts);
    for (const Contact& c : world.contacts) take(to, c);
}

template <class T>
struct Problem {
    Array<Moving<T>> bodies;
    Array<Row<T>> rows;
    Array<Relative<T>> before;

    explicit Problem(const SolveInputs<T>& in) : bodies(in.bodies), rows(in.contacts), before(in.contacts) {
        for (int i = 0; i < in.bodies; i++)
            bodies[i] = {Vec<T>(in.before + 6 * i), Vec<T>(in.before + 6 * i + 3), in.inverse_mass[i], Mat<T>(in.inverse_inertia + 9 * i)};
        for (int k = 0; k < in.contacts; k++) {
            Row<T>& c = rows[k];
            c.a = in.a[k], c.b = in.b[k];
            c.frame = Mat<T>(in.frame + 9 * k);
            c.arm_a = Vec<T>(in.arm_a + 3 * k), c.arm_b = Vec<T>(in.arm_b + 3 * k);
            c.gap = in.gap[k], c.restitution = in.restitution[k], c.position_bias = in.position_bias[k];
            for (int j = 0; j < 3; j++) c.friction[j] = in.friction[3 * k + j], c.bias[j] = in.velocity_bias[3 * k + j];
            for (int j = 0; j < 6; j++) c.impulse[j] = in.warm[6 * k + j];
            before[k] = relative(c, bodies[c.a], bodies[c.b]);
            fill_mobility(c, bodies[c.a], bodies[c.b]);
        }
        for (int i = 0; i < in.bodies; i++) bodies[i].v = Vec<T>(in.free + 6 * i), bodies[i].w = Vec<T>(in.free + 6 * i + 3);
    }
};

// Halfway between the velocities before and after, less what a semi-implicit integrator lags behind.
template <class T>
void mean_of(const SolveInputs<T>& in, const Settings& s, Array<Moving<T>>& mean) {
    const T share = std::max(T(0), T(0.5) - T(0.5) * T(s.lag) / in.step);
    for (int i = 0; i < in.bodies; i++) {
        if (!(mean[i].inverse_mass > 0)) continue;
        mean[i].v += (Vec<T>(in.before + 6 * i) - mean[i].v) * share;
        mean[i].w += (Vec<T>(in.before + 6 * i + 3) - mean[i].w) * share;
    }
}

template <class T>
void solve(const SolveInputs<T>& in, const SolveOutputs<T>& out, const Settings& s) {
    Problem<T> p(in);
    solve_velocities(p.rows, p.bodies, p.before, in.step, s);
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

// A kinematic body gets the velocity that brings it to a pose within a time.
inline void follow(World& world, int i, const float* position, const float* wxyz, float dt) {
    const Quatf q = normalized(Quatf(wxyz));
    const Vec3 x = Vec3(position) + matrix(q) * Vec3(world.s.center + 3 * i);
    ((x - world.poses[i].x) * (1 / dt)).store(world.s.linear + 3 * i);
    const Vec3 turn = rotation_vector(q * conjugate(world.poses[i].q));
    (length(turn) < 1e-6f ? Vec3{} : turn * (1 / dt)).store(world.s.angular + 3 * i);
}

// It is exactly there when the step is over.
inline void arrive(World& world, int i, const float* position, const float* wxyz) {
    Pose& p = world.poses[i];
    p.q = normalized(Quatf(wxyz));
    p.r = matrix(p.q);
    p.x = Vec3(position) + p.r * Vec3(world.s.center + 3 * i);
    world.store_pose(i);
}

inline void roll_out(const Bodies* environments, const Rollout& r, const Settings& settings) {
#pragma omp parallel num_threads(r.threads)
    {
        World world;
#pragma omp for schedule(dynamic)
        for (int e = 0; e < r.environments; e++) {
            const Bodies& s = environments[e];
            world.begin(s, settings);
            for (int t = 0; t < r.steps; t++) {
                const size_t row = size_t(e) * r.steps + t, link = row * r.links;
                for (int k = 0; k < r.links; k++)
                    follow(world, r.link_bodies[k], r.link_position + 3 * (link + k), r.link_wxyz + 4 * (link + k), r.dt);
                float* felt = r.impulse + 3 * row * s.count;
                std::fill(felt, felt + 3 * s.count, 0.f);
                world.step(r.dt, felt);
                for (int k = 0; k < r.links; k++)
                    arrive(world, r.link_bodies[k], r.link_position + 3 * (link + k), r.link_wxyz + 4 * (link + k));
                std::copy(s.position, s.position + 3 * s.count, r.position + 3 * row * s.count);
                std::copy(s.wxyz, s.wxyz + 4 * s.count, r.wxyz + 4 * row * s.count);
            }
        }
    }
}
