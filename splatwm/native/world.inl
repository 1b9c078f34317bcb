// Steps of one environment: detect, then a few shorter steps on the same contacts, whose gaps follow the bodies.

inline Mat3 inverse_inertia_of(const Mat3& r, const Mat3& inverse_body) { return r * inverse_body * transposed(r); }

struct Anchor {  // where a body has stayed near for a time
    Vec3 x;
    Quatf q;
    float since;  // [s]
};

struct World {
    Bodies s;
    const Settings* settings = nullptr;
    Array<Pose> poses;
    Array<Mat3> inertia, inverse_body;
    Array<uint8_t> awake, linked, roused;
    Array<Contact> contacts, last;
    Array<Moving<float>> moving, mean;
    Array<Row<float>> rows;
    Array<Relative<float>> before;
    Array<int> acting;              // contacts that the rows are of
    Array<Relative<float>> held;    // impulses of all contacts in their frames, from substep to substep
    Array<Vec3> start_v, start_w;
    Array<int> group;
    Array<Anchor> anchors;
    Finding finding;
    const Network* network = nullptr;  // corrects the contacts of each substep, if there is one
    Thinking thinking;
    Tape* tape = nullptr;  // remembers the rollout for its way back, if there is one

    void begin(const Bodies& bodies, const Settings& chosen) {
        s = bodies, settings = &chosen;
        poses.resize(s.count), inertia.resize(s.count), inverse_body.resize(s.count), awake.assign(s.count, 1), linked.assign(s.count, 0);
        moving.resize(s.count), group.resize(s.count), start_v.resize(s.count), start_w.resize(s.count);
        contacts.clear(), last.clear(), anchors.resize(s.count);
        for (int i = 0; i < s.count; i++) {
            poses[i] = pose_of(s, i);
            anchors[i] = {poses[i].x, poses[i].q, 0};
            inertia[i] = Mat3(s.inertia + 9 * i);
            inverse_body[i] = fixed(i) ? Mat3{} : inverse(inertia[i]);
        }
    }

    bool fixed(int i) const { return s.kinematic[i] || !s.shape[i]; }

    bool moves(int i) const {  // of kinematic bodies: whether they do
        for (int k = 0; k < 3; k++)
            if (s.linear[3 * i + k] != 0 || s.angular[3 * i + k] != 0) return true;
        return false;
    }

    int root(int i) {
        while (group[i] != i) i = group[i] = group[group[i]];
        return i;
    }

    bool active(int i) const {
        return s.shape[i] && (s.kinematic[i] ? moves(i) : settings->sleep_after <= 0 || s.still[i] < settings->sleep_after);
    }

    // Contacts of all that is awake; what an awake body touches wakes, and is looked at in turn.
    void find_contacts(float dt) {
        for (int i = 0; i < s.count; i++) awake[i] = active(i);
        roused.assign(s.count, 0);
        for (;;) {
            contacts.clear();
            detect(s, poses.data(), awake.data(), linked.data(), last, *settings, dt, finding, contacts);
            bool woke = false;
            for (const Contact& c : contacts) {
                const int sleeper = !awake[c.a] && !fixed(c.a) ? c.a : !awake[c.b] && !fixed(c.b) ? c.b : -1;
                const int other = sleeper == c.a ? c.b : c.a;
                if (sleeper < 0 || !awake[other]) continue;
                // what lies on or under something that wakes, or that a robot is at, must not hold still
                const bool near = roused[other] ? c.gap < TOUCHED : s.kinematic[other] || disturbs(c, dt);
                if (!near) continue;
                awake[sleeper] = roused[sleeper] = 1, s.still[sleeper] = 0, woke = true;
            }
            if (!woke) return;
        }
    }

    // Whether the awake one of both will touch the other in this step, and not just lie there.
    bool disturbs(const Contact& c, float dt) const {
        const Vec3 n = poses[c.a].r * c.normal, pa = poses[c.a].r * c.on_a, pb = poses[c.b].r * c.on_b;
        const Vec3 v = Vec3(s.linear + 3 * c.b) + cross(Vec3(s.angular + 3 * c.b), pb) - Vec3(s.linear + 3 * c.a) -
                       cross(Vec3(s.angular + 3 * c.a), pa);
        return c.gap + std::min(0.f, dot(v, n)) * dt < TOUCHED && length(v) > settings->sleep_linear;
    }

    void fill_row(const Contact& c, Row<float>& row) const {
        const Pose &pa = poses[c.a], &pb = poses[c.b];
        const Vec3 n = pa.r * c.normal, on_a = pa.r * c.on_a, on_b = pb.r * c.on_b;
        const Vec3 apart = pb.x - pa.x;
        row.a = c.a, row.b = c.b;
        row.gap = dot(n, apart + on_b - on_a) - c.offset;
        row.arm_b = on_b - n * (c.round_b + 0.5f * row.gap), row.arm_a = apart + row.arm_b;
        row.frame.r0 = n;
    }

    // Whether a contact without impulse is open by more than may close in a substep; or open at all, where springs are
    // integrated in one part, for what is open then begins to act in the next one.
    bool far(const Row<float>& row, const Spring<float>& spring) const {
        constexpr float SURPRISE = 2e-4f;  // [m] that impulses of other contacts may close
        constexpr float SUDDEN = 0.5f;     // [m/s] likewise
        if (row.gap <= 0 || network || row.restitution > 0) return false;
        const float h = spring.step, closing = std::max(0.f, -normal_velocity(row, moving[row.a], moving[row.b]));
        if (spring.parts_at(-closing - SUDDEN) == 1) return true;
        return row.gap > SURPRISE + 2 * h * (closing + h * length(Vec3(settings->gravity)));
    }

    // Contacts that may act in a substep; the impulses of the others are zero.
    void fill_rows(float h, bool first) {
        const Spring<float> spring(h, *settings);
        acting.clear(), held.resize(contacts.size()), before.resize(contacts.size());
        for (size_t k = 0; k < contacts.size(); k++) {
            const Contact& c = contacts[k];
            if (rows.size() == acting.size()) rows.emplace_back();
            Row<float>& row = rows[acting.size()];
            fill_row(c, row);
            row.restitution = c.restitution;
            const bool rests = first ? dot(c.impulse, c.impulse) == 0 : held[k].u[0] == 0;
            if (rests && far(row, spring)) {
                held[k] = {};
                continue;
            }
            const Vec3& n = row.frame.r0;
            const float sign = std::copysign(1.f, n.z), t = -1 / (sign + n.z), m = n.x * n.y * t;
            row.frame.r1 = {1 + sign * n.x * n.x * t, sign * m, -sign * n.x}, row.frame.r2 = {m, sign + n.y * n.y * t, -n.y};
            if (first) {
                const Vec3 f = row.frame * c.impulse, twist = row.frame * c.twist;
                held[k] = {{f.x, f.y, f.z, twist.x, twist.y, twist.z}};
            }
            std::copy(held[k].u, held[k].u + 8, row.impulse);
            fill_relative(row);
            fill_mobility(row, moving[c.a], moving[c.b]);
            const Relative<float>& now = before[acting.size()] = relative(row, moving[c.a], moving[c.b]);
            row.friction[0] = friction_at(c.friction, now);
            row.friction[1] = c.friction > 0 ? settings->torsion : 0;
            row.friction[2] = c.friction > 0 ? settings->rolling : 0;
            acting.push_back(int(k));
        }
        rows.resize(acting.size()), before.resize(acting.size());
    }

    // Sliding friction at the velocities with which a substep begins.
    float friction_at(float friction, const Relative<float>& now) const {
        if (settings->slip_friction == 0 && settings->impact_friction == 0) return friction;
        const float slip = std::sqrt(now.u[1] * now.u[1] + now.u[2] * now.u[2]);
        return friction * std::max(0.f, 1 + settings->slip_friction * slip) / (1 + settings->impact_friction * std::abs(now.u[0]));
    }

    // One short step: free velocities, contacts, mean velocities, poses. Impulses are added to `felt` (O, 3) [N s].
    void substep(float h, bool first, float* felt) {
        const Vec3 g(settings->gravity);
        for (int i = 0; i < s.count; i++) {
            Moving<float>& m = moving[i];
            m.v = start_v[i] = Vec3(s.linear + 3 * i), m.w = start_w[i] = Vec3(s.angular + 3 * i);
            const bool free = awake[i] && !fixed(i);
            m.inverse_mass = free ? 1 / s.mass[i] : 0;
            m.inverse_inertia = free ? inverse_inertia_of(poses[i].r, inverse_body[i]) : Mat3{};
        }
        fill_rows(h, first);
        for (int i = 0; i < s.count; i++)
            if (moving[i].inverse_mass > 0) moving[i].v += g * h;
        if (network) {
            if (first) thinking.ask(*network, s, rows, before, moving, start_w, *settings, h);
            thinking.correct(rows, before, *settings, h);
        }
        if (tape) remember(h);
        else solve_rows(h);
        for (size_t k = 0; k < rows.size(); k++) {
            const Vec3 f = transposed_times(rows[k].frame, Vec3(rows[k].impulse));
            for (int i = 0; i < 3; i++) felt[3 * rows[k].a + i] -= f[i], felt[3 * rows[k].b + i] += f[i];
            std::copy(rows[k].impulse, rows[k].impulse + 8, held[acting[k]].u);
        }
        for (int i = 0; i < s.count; i++)
            if (moving[i].inverse_mass > 0) move(i, h);
    }

    void solve_rows(float h) {
        solve_velocities(rows, moving, before, h, settings->tolerance, *settings);
        mean = moving;
        const float share = std::max(0.f, 0.5f - 0.5f * settings->timestep / h);
        for (int i = 0; i < s.count; i++)
            if (moving[i].inverse_mass > 0) {
                mean[i].v += (start_v[i] - moving[i].v) * share;
                mean[i].w += (start_w[i] - moving[i].w) * share;
            }
        solve_positions(rows, moving, mean, *settings);
    }

    // The same by a solve that remembers.
    void remember(float h) {
        Array<Moving<float>> start = moving;
        for (int i = 0; i < s.count; i++) start[i].v = start_v[i], start[i].w = start_w[i];
        Array<Moment>& moments = tape->looks.back().moments;
        moments.push_back({h, poses, acting, Backward<float>(std::move(start), moving, rows, before, h, settings->tolerance, *settings)});
        Backward<float>& solve = moments.back().solve;
        solve.forward();
        moving = solve.bodies, mean = solve.wide;
        for (size_t k = 0; k < rows.size(); k++) std::copy(solve.rows[k].impulse, solve.rows[k].impulse + 8, rows[k].impulse);
    }

    // Turns conserve angular momentum: the velocity follows the inertia as it turns.
    void move(int i, float h) {
        Pose& p = poses[i];
        const Moving<float>& m = moving[i];
        auto spun = [&](Vec3 w) { return p.r * (inertia[i] * transposed_times(p.r, w)); };
        const Vec3 momentum = spun(m.w);
        const Vec3 gyroscopic = m.inverse_inertia * cross(momentum, m.w);
        p.x += mean[i].v * h;
        p.q = normalized(rotation((mean[i].w + gyroscopic * (0.5f * h)) * h) * p.q);
        p.r = matrix(p.q);
        const Vec3 w = p.r * (inverse_body[i] * transposed_times(p.r, momentum));
        m.v.store(s.linear + 3 * i), w.store(s.angular + 3 * i);
        store_pose(i);
    }

    void store_pose(int i) {
        const Pose& p = poses[i];
        (p.x - p.r * Vec3(s.center + 3 * i)).store(s.position + 3 * i);
        p.q.store(s.wxyz + 4 * i);
    }

    // Kinematic bodies whose velocities are set move along them for a time.
    void carry(float h) {
        for (int i = 0; i < s.count; i++)
            if (s.shape[i] && s.kinematic[i] && moves(i)) {
                Pose& p = poses[i];
                p.x += Vec3(s.linear + 3 * i) * h;
                p.q = normalized(rotation(Vec3(s.angular + 3 * i) * h) * p.q);
                p.r = matrix(p.q);
                store_pose(i);
            }
    }

    // Whether a body that trembles has stayed where it is for a while all the same.
    bool stays(int i, float dt) {
        Anchor& at = anchors[i];
        const Quatf q = poses[i].q * conjugate(at.q);
        const float reach = 0.5f * length(s.shape[i]->high - s.shape[i]->low);
        const float way = length(poses[i].x - at.x) + 2 * length(Vec3{q.x, q.y, q.z}) * reach;
        at.since += dt;
        if (way > settings->sleep_drift) at = {poses[i].x, poses[i].q, 0};
        return at.since >= 0.5f;
    }

    // Bodies that touch each other fall asleep together, once all have been slow, or where they are, for a while.
    void fall_asleep(float dt) {
        linked.assign(s.count, 0);
        for (const Row<float>& c : rows)
            if (c.impulse[0] > 0) linked[c.a] = linked[c.b] = 1;
        if (settings->sleep_after <= 0) return;
        for (int i = 0; i < s.count; i++) group[i] = i;
        for (const Row<float>& c : rows) {
            if (c.impulse[0] <= 0) continue;
            if (!fixed(c.a) && !fixed(c.b)) group[root(c.a)] = root(c.b);
            for (int i : {c.a, c.b})
                if (s.kinematic[i] && moves(i)) {
                    const int pushed = i == c.a ? c.b : c.a;
                    s.still[pushed] = -dt, anchors[pushed].since = -dt;
                }
        }
        for (int i = 0; i < s.count; i++) {
            if (fixed(i) || !awake[i]) continue;
            const bool slow = length(Vec3(s.linear + 3 * i)) < settings->sleep_linear &&
                              length(Vec3(s.angular + 3 * i)) < settings->sleep_angular;
            const bool rests = stays(i, dt);
            s.still[i] = rests ? std::max(s.still[i] + dt, settings->sleep_after) : slow && linked[i] ? s.still[i] + dt : 0;
        }
        Array<float>& least = finding.spread;
        least.assign(s.count, 1e9f);
        for (int i = 0; i < s.count; i++)
            if (!fixed(i)) least[root(i)] = std::min(least[root(i)], s.still[i]);
        for (int i = 0; i < s.count; i++) {
            if (fixed(i)) continue;
            if (s.still[i] >= settings->sleep_after && least[root(i)] < settings->sleep_after)
                s.still[i] = std::nextafter(settings->sleep_after, 0.f);  // its neighbours still move
            if (s.still[i] >= settings->sleep_after)
                for (int k = 0; k < 3; k++) s.linear[3 * i + k] = s.angular[3 * i + k] = 0;
        }
    }

    // How often contacts are looked for in a step: as often as it takes that nothing turns far in between, and that
    // nothing goes farther than contacts are foreseen.
    int looks(float dt) const {
        constexpr int MOST = 64;
        float spin = 0, speed = 0;
        for (int i = 0; i < s.count; i++)
            if (active(i)) {
                spin = std::max(spin, length(Vec3(s.angular + 3 * i)));
                speed = std::max(speed, fastest(s, i));
            }
        const int turns = std::clamp(int(std::ceil(std::min(spin * dt / settings->turn, 1e6f))), 1, settings->cuts(dt));
        return std::max(turns, int(std::ceil(std::min(speed * dt / (0.5f * FORESEEN), float(MOST)))));
    }

    // One step; velocities of kinematic bodies are set before.
    void step(float dt, float* felt) {
        const int times = looks(dt), steps = std::max(settings->cuts(dt), times);
        const float h = dt / steps;
        for (int look = 0, done = 0; look < times; look++) {
            const int end = steps * (look + 1) / times;
            std::swap(contacts, last);
            for (int i = 0; i < s.count; i++)
                if (s.shape[i])
                    turned_box(poses[i].r, Vec3(s.position + 3 * i), s.shape[i]->low, s.shape[i]->high, poses[i].low, poses[i].high);
            find_contacts(h * (end - done));
            if (tape) {
                tape->looks.push_back({int(tape->asleep.size()), contacts, {}});
                tape->looks.back().moments.reserve(end - done);
            }
            for (int k = done; k < end; k++) {
                substep(h, k == done, felt);
                carry(h);
            }
            done = end;
            for (Contact& c : contacts) c.impulse = c.twist = {};
            for (size_t k = 0; k < rows.size(); k++) {
                contacts[acting[k]].impulse = transposed_times(rows[k].frame, Vec3(rows[k].impulse));
                contacts[acting[k]].twist = transposed_times(rows[k].frame, Vec3(rows[k].impulse + 3));
            }
        }
        fall_asleep(dt);
        if (!tape) return;
        Array<uint8_t> asleep(s.count);
        for (int i = 0; i < s.count; i++) asleep[i] = !fixed(i) && settings->sleep_after > 0 && s.still[i] >= settings->sleep_after;
        tape->asleep.push_back(asleep);
    }
};
