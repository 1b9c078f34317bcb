// Gradients of a rollout: its substeps backwards. A turn of a body by a small vector d [rad, scene axes] is its tangent:
// R becomes (1 + [d]) R. Which contacts there are, and where on the bodies, is constant between looks; masses are, too.

struct PoseGradient {
    Vec3 x, turn;
};

// What the turn `phi` in q' = rotation(phi) q does to tangents: those of q go on turned, those of phi by the left Jacobian.
struct Turned {
    Mat3 by;
    Vec3 phi;
    explicit Turned(const Vec3& p) : by(matrix(rotation(p))), phi(p) {}
    Vec3 of_start(const Vec3& g) const { return transposed_times(by, g); }
    Vec3 of_phi(const Vec3& g) const { return g - 0.5f * cross(phi, g) + (1 / 6.f) * cross(phi, cross(phi, g)); }
};

// The frame of a normal, as fill_row makes it, backwards: the gradient by the normal.
inline Vec3 frame_back(const Vec3& n, const Vec3* rows) {
    const float s = std::copysign(1.f, n.z), k = -1 / (s + n.z), kk = k * k, m = s * rows[1].y + rows[2].x;
    const Vec3 &a = rows[1], &b = rows[2];
    return rows[0] + Vec3{2 * s * n.x * k * a.x - s * a.z + n.y * k * m, 2 * n.y * k * b.y - b.z + n.x * k * m,
                          s * n.x * n.x * kk * a.x + n.y * n.y * kk * b.y + n.x * n.y * kk * m};
}

struct Returning {
    World& world;
    Tape& tape;  // is used up
    Array<PoseGradient> pose;
    Array<Vec3> v, w;
    Array<float> friction;
    Array<Vec3> impulse, twist;  // by what contacts of the look at hand did at its end, scene axes

    Returning(World& one, Tape& had) : world(one), tape(had) {
        const int n = world.s.count;
        pose.resize(n), v.resize(n), w.resize(n), friction.resize(n);
    }

    // Gradients by the pose that a step ended with.
    void add_pose(int i, const float* wxyz, const float* by_position, const float* by_wxyz) {
        const Quatf q = normalized(Quatf(wxyz)), turned = Quatf(by_wxyz) * conjugate(q);
        const Vec3 x(by_position);
        pose[i].x += x;
        pose[i].turn += 0.5f * Vec3{turned.x, turned.y, turned.z} - cross(matrix(q) * Vec3(world.s.center + 3 * i), x);
    }

    // Gradients by the pose of the body's frame.
    void pose_of_start(int i, const Pose& p, float* position, float* wxyz) const {
        const Vec3 turn = pose[i].turn + cross(p.r * Vec3(world.s.center + 3 * i), pose[i].x);
        const Quatf q = Quatf(0, turn.x, turn.y, turn.z) * p.q;
        pose[i].x.store(position);
        Quatf{2 * q.w, 2 * q.x, 2 * q.y, 2 * q.z}.store(wxyz);
    }

    // The looks of a step, the last first.
    void step_back(int step, size_t first, size_t end) {
        for (int i = 0; i < world.s.count; i++)
            if (tape.asleep[step][i]) v[i] = w[i] = {};
        for (size_t l = end; l-- > first;) {
            Look& look = tape.looks[l];
            impulse.resize(look.contacts.size()), twist.resize(look.contacts.size());
            Array<Relative<float>> by_impulse(look.contacts.size());
            for (size_t m = look.moments.size(); m-- > 0;)
                substep_back(look, look.moments[m], m + 1 == look.moments.size(), m == 0, by_impulse);
            Array<Vec3> pushes(l ? tape.looks[l - 1].contacts.size() : 0), twists(pushes.size());
            for (size_t k = 0; k < look.contacts.size(); k++) {
                const Contact& c = look.contacts[k];
                if (c.from < 0) continue;
                const float sign = c.a == tape.looks[l - 1].contacts[c.from].a ? 1.f : -1.f;
                pushes[c.from] += impulse[k] * sign, twists[c.from] += twist[k] * sign;
            }
            impulse.swap(pushes), twist.swap(twists);
        }
    }

private:
    void substep_back(const Look& look, Moment& was, bool last, bool first, Array<Relative<float>>& by_impulse) {
        Backward<float>& back = was.solve;
        const int n = world.s.count, c = int(back.rows.size());
        back.g.resize(c), back.after.resize(n), back.mean.resize(n);
        for (int i = 0; i < n; i++) {
            if (back.bodies[i].inverse_mass > 0) move_back(i, was, back);
            else if (world.s.shape[i] && world.s.kinematic[i]) carry_back(i, was);
        }
        Array<Vec3> turned(last ? 3 * c : 0);
        for (int k = 0; k < c; k++) {
            const Row<float>& row = back.rows[k];
            if (last) {  // they become such in scene axes
                const Vec3 &push = impulse[was.acting[k]], &turn = twist[was.acting[k]], f = row.frame * push, t = row.frame * turn;
                by_impulse[was.acting[k]] = {{f.x, f.y, f.z, t.x, t.y, t.z}};
                for (int j = 0; j < 3; j++) turned[3 * k + j] = row.impulse[j] * push + row.impulse[j + 3] * turn;
            }
            for (int j = 0; j < 6; j++) back.g[k].impulse[j] = by_impulse[was.acting[k]].u[j];
        }
        back.backward();
        if (first) std::fill(impulse.begin(), impulse.end(), Vec3{}), std::fill(twist.begin(), twist.end(), Vec3{});
        for (int k = 0; k < c; k++) {
            const int contact = was.acting[k];
            const Row<float>& row = back.rows[k];
            GeometryGradient<float>& geometry = back.geometry[k];
            friction_back(k, look.contacts[contact], back);
            const float* u = back.g[k].impulse;
            for (int j = 0; j < 6; j++) by_impulse[contact].u[j] = u[j];
            for (int j = 0; j < 3 && last; j++) geometry.rows[j] += turned[3 * k + j];
            if (first) {  // they came from scene axes
                const Vec3 f = transposed_times(row.frame, Vec3(row.impulse)), t = transposed_times(row.frame, Vec3(row.impulse + 3));
                for (int j = 0; j < 3; j++) geometry.rows[j] += u[j] * f + u[j + 3] * t;
                impulse[contact] = transposed_times(row.frame, Vec3(u)), twist[contact] = transposed_times(row.frame, Vec3(u + 3));
            }
            geometry_back(look.contacts[contact], was, geometry, back.g[k].gap);
        }
        for (int i = 0; i < n; i++) {
            const bool moves = back.bodies[i].inverse_mass > 0;
            v[i] = (moves ? Vec3{} : v[i]) + back.after[i].v + back.first[i].v;
            w[i] = (moves ? Vec3{} : w[i]) + back.after[i].w + back.first[i].w;
            pose[i].turn += back.after[i].turn;
        }
    }

    // World::move: gradients by velocities at the end and mean ones, and by the pose before.
    void move_back(int i, const Moment& was, Backward<float>& back) {
        const Mat3& r = was.poses[i].r;
        const Mat3 inertia = r * world.inertia[i] * transposed(r);
        const Mat3& inverse = back.bodies[i].inverse_inertia;
        const Vec3 spin = back.bodies[i].w, momentum = inertia * spin, torque = cross(momentum, spin), gyroscopic = inverse * torque;
        const float h = was.h;
        const Turned turned((back.wide[i].w + gyroscopic * (0.5f * h)) * h);
        const Mat3 after = turned.by * r, inverse_after = after * world.inverse_body[i] * transposed(after);
        // the spin follows the inertia as it turns
        const Vec3 eased = inverse_after * w[i];
        Vec3 by_momentum = eased, turn = pose[i].turn + cross(inverse_after * momentum, w[i]) - cross(momentum, eased);
        const Vec3 by_phi = turned.of_phi(turn);
        turn = turned.of_start(turn);
        const Vec3 by_gyroscopic = by_phi * (0.5f * h * h), by_torque = inverse * by_gyroscopic;
        turn += cross(gyroscopic, by_gyroscopic) - cross(torque, by_torque);
        by_momentum += cross(spin, by_torque);
        const Vec3 by_spin = cross(by_torque, momentum) + inertia * by_momentum;
        turn += cross(momentum, by_momentum) - cross(spin, inertia * by_momentum);
        pose[i].turn = turn;
        back.mean[i] = {pose[i].x * h, by_phi * h, {}};
        back.after[i] = {v[i], by_spin, {}};
    }

    // World::carry.
    void carry_back(int i, const Moment& was) {
        const Turned turned(was.solve.start[i].w * was.h);
        v[i] += pose[i].x * was.h, w[i] += turned.of_phi(pose[i].turn) * was.h;
        pose[i].turn = turned.of_start(pose[i].turn);
    }

    // World::friction_at, and whose friction it is.
    void friction_back(int k, const Contact& c, Backward<float>& back) {
        const Settings& s = *world.settings;
        const float *u = back.before[k].u, g = back.g[k].friction[0];
        const float slip = std::sqrt(u[1] * u[1] + u[2] * u[2]), grows = std::max(0.f, 1 + s.slip_friction * slip);
        const float falls = 1 + s.impact_friction * std::abs(u[0]);
        friction[rougher(world.s, c.a, c.b)] += g * grows / falls;
        if (s.slip_friction == 0 && s.impact_friction == 0) return;
        const float along = grows > 0 && slip > 0 ? g * c.friction * s.slip_friction / (falls * slip) : 0;
        const float into = g * c.friction * grows * s.impact_friction / (falls * falls);
        const float by[6] = {u[0] > 0 ? -into : into, along * u[1], along * u[2]};
        relative_back(back.rows[k], by, back.start[c.a], back.start[c.b], back.first[c.a], back.first[c.b], back.geometry[k]);
    }

    // World::fill_row.
    void geometry_back(const Contact& c, const Moment& was, const GeometryGradient<float>& g, float gap) {
        const Pose &pa = was.poses[c.a], &pb = was.poses[c.b];
        const Vec3 n = pa.r * c.normal, on_a = pa.r * c.on_a, on_b = pb.r * c.on_b;
        const Vec3 between = pb.x + on_b - pa.x - on_a;
        const float far = c.round_b + 0.5f * (dot(n, between) - c.offset);
        const Vec3 arms = g.arm_a + g.arm_b;
        gap -= 0.5f * dot(n, arms);
        const Vec3 by_normal = frame_back(n, g.rows) - arms * far + between * gap;
        const Vec3 apart = g.arm_a + n * gap;
        pose[c.b].x += apart, pose[c.a].x -= apart;
        pose[c.b].turn += cross(on_b, arms + n * gap);
        pose[c.a].turn += cross(n, by_normal) - cross(on_a, n * gap);
    }
};

// One environment forward and back.
inline void roll_back(World& world, const Bodies& s, const Rollout& r, const RolloutGradient& to, const Settings& settings, int e) {
    Tape tape;
    world.tape = &tape;
    const size_t first = size_t(e) * r.steps;
    roll_one(world, s, r, settings, e);
    world.tape = nullptr;
    Returning back(world, tape);
    size_t end = tape.looks.size();
    for (int t = r.steps; t-- > 0;) {
        const size_t row = first + t, link = row * r.links;
        for (int i = 0; i < s.count; i++) {
            const size_t k = row * s.count + i;
            back.add_pose(i, r.wxyz + 4 * k, to.by_position + 3 * k, to.by_wxyz + 4 * k);
        }
        Array<Vec3> arrived(r.links);
        for (int k = 0; k < r.links; k++) {
            PoseGradient& pose = back.pose[r.link_bodies[k]];
            arrived[k] = pose.x;
            pose = {};
            back.v[r.link_bodies[k]] = back.w[r.link_bodies[k]] = {};
        }
        size_t begin = end;
        while (begin > 0 && tape.looks[begin - 1].step == t) begin--;
        back.step_back(t, begin, end);
        end = begin;
        for (int k = 0; k < r.links; k++) {
            const int i = r.link_bodies[k];
            const Vec3 speed = back.v[i] * (1 / r.dt);
            (arrived[k] + speed).store(to.link_position + 3 * (link + k));
            back.pose[i].x -= speed;
            back.v[i] = back.w[i] = {};
        }
    }
    const size_t bodies = size_t(e) * s.count;
    for (int i = 0; i < s.count; i++) {
        back.pose_of_start(i, tape.looks[0].moments[0].poses[i], to.position + 3 * (bodies + i), to.wxyz + 4 * (bodies + i));
        back.v[i].store(to.linear + 3 * (bodies + i)), back.w[i].store(to.angular + 3 * (bodies + i));
        to.friction[bodies + i] = back.friction[i];
    }
}

inline void roll_out_gradient(const Bodies* environments, const Rollout& r, const RolloutGradient& to, const Settings& settings) {
#pragma omp parallel num_threads(r.threads)
    {
        World world;
#pragma omp for schedule(dynamic)
        for (int e = 0; e < r.environments; e++) roll_back(world, environments[e], r, to, settings, e);
    }
}
