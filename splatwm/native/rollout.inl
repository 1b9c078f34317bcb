// What the Python module calls: contacts of one environment, rollouts of many.

inline void find_contacts(const Bodies& s, const Settings& settings, float dt, TakeContact take, void* to) {
    World world;
    world.begin(s, settings);
    for (int i = 0; i < s.count; i++) world.awake[i] = s.shape[i] && (!s.kinematic[i] || world.moves(i));
    detect(s, world.poses.data(), world.awake.data(), world.linked.data(), world.last, settings, dt, world.finding, world.contacts);
    for (const Contact& c : world.contacts) take(to, c);
}

inline int looks(const Bodies& s, const Settings& settings, float dt) {
    World world;
    world.begin(s, settings);
    return world.looks(dt);
}

// Signed distances of points to the union of a shape's pieces: exact outside, inside those of the deepest single piece.
inline void distances(const Shape& shape, const Shape& dot, const float* points, int count, float* out) {
    const Mat3 straight{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    for (int i = 0; i < count; i++) {
        const Vec3 p(points + 3 * i);
        float least = 1e9f;
        for (const Piece& piece : shape.pieces) {
            const Vec3 beside = max(max(piece.low - p, p - piece.high), Vec3{});
            if (length(beside) > 0 && length(beside) - piece.radius >= least) continue;
            const Placed first{&shape, &piece, {}, {}, true}, second{&dot, &dot.pieces[0], straight, p, false};
            const Apart found = apart(first, second, 1e6f);
            if (found.near) least = std::min(least, found.gap - piece.radius);
        }
        out[i] = least;
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

inline void roll_one(World& world, const Bodies& s, const Rollout& r, const Settings& settings, int e) {
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

inline void roll_out(const Bodies* environments, const Rollout& r, const Settings& settings) {
#pragma omp parallel num_threads(r.threads)
    {
        World world;
        world.network = r.network;
#pragma omp for schedule(dynamic)
        for (int e = 0; e < r.environments; e++) roll_one(world, environments[e], r, settings, e);
    }
}
