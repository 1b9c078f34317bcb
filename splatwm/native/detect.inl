// Contacts of one environment: boxes of bodies, boxes of pieces, pieces, and a few well spread points for each pair.

struct Pose {
    Vec3 x;  // centre of mass
    Quatf q;
    Mat3 r;
    Vec3 low, high;  // box of the body in the scene, without a margin
};

struct Finding {  // memory that is used again for every step
    Array<Contact> candidates;
    Array<uint8_t> kept, touching;
    Array<float> spread, places;  // of candidates; places and normals component by component
    Array<Vec3> low_a, high_a;    // boxes of A's pieces in B
    Manifold manifold;
    Array<int> pieces_a, pieces_b;
};

// The box of a box that is turned.
inline void turned_box(const Mat3& r, Vec3 move, Vec3 low, Vec3 high, Vec3& out_low, Vec3& out_high) {
    const Vec3 c = r * ((low + high) * 0.5f) + move, h = (high - low) * 0.5f;
    auto size = [&h](const Vec3& row) { return std::abs(row.x) * h.x + std::abs(row.y) * h.y + std::abs(row.z) * h.z; };
    const Vec3 reach{size(r.r0), size(r.r1), size(r.r2)};
    out_low = c - reach, out_high = c + reach;
}

inline bool boxes_meet(Vec3 low_a, Vec3 high_a, Vec3 low_b, Vec3 high_b, float margin) {
    return low_a.x - margin <= high_b.x && low_b.x - margin <= high_a.x && low_a.y - margin <= high_b.y &&
           low_b.y - margin <= high_a.y && low_a.z - margin <= high_b.z && low_b.z - margin <= high_a.z;
}

inline Pose pose_of(const Bodies& s, int i) {
    Pose p;
    p.q = normalized(Quatf(s.wxyz + 4 * i));
    p.r = matrix(p.q);
    const Vec3 frame(s.position + 3 * i);
    p.x = frame + p.r * Vec3(s.center + 3 * i);
    if (s.shape[i]) turned_box(p.r, frame, s.shape[i]->low, s.shape[i]->high, p.low, p.high);
    return p;
}

// Keep the deepest contact and then always the one farthest from those kept. What will touch goes first, and what was kept
// in the last step is favoured: a support that changes from step to step makes things tremble. What is held from several
// sides, as a bowl in a bowl, keeps as many for each of up to three of them.
inline void spread_out(Finding& memory, const Bodies& s, const Pose* poses, float dt, int most, Array<Contact>& out) {
    constexpr float TURN = 0.02f;       // [m] a normal that differs by one counts as this far
    constexpr float TOUCHING = 5e-4f;   // [m]
    constexpr float LOYALTY = 1e-4f;    // [m] by which another one must be deeper
    const Array<Contact>& found = memory.candidates;
    const size_t n = found.size();
    if (int(n) <= most) {
        out.insert(out.end(), found.begin(), found.end());
        return;
    }
    const size_t wide = (n + LANES - 1) / LANES * LANES;
    memory.spread.assign(2 * wide, 0), memory.places.assign(6 * wide, 0), memory.touching.resize(n);
    float *far = memory.spread.data(), *weight = far + wide, *components[6];
    for (int k = 0; k < 6; k++) components[k] = memory.places.data() + k * wide;
    auto normal_of = [&](size_t i) { return Vec3{components[3][i], components[4][i], components[5][i]}; };
    size_t next = 0;
    float deepest = 1e9f;
    for (size_t i = 0; i < n; i++) {
        const Contact& c = found[i];
        const Vec3 arm_b = poses[c.b].r * c.on_b, normal = poses[c.a].r * c.normal;
        const Vec3 arm_a = arm_b + poses[c.b].x - poses[c.a].x;
        const Vec3 speed = Vec3(s.linear + 3 * c.b) + cross(Vec3(s.angular + 3 * c.b), arm_b) - Vec3(s.linear + 3 * c.a) -
                           cross(Vec3(s.angular + 3 * c.a), arm_a);
        const Vec3 place = poses[c.b].x + arm_b, side = normal * TURN;
        for (int k = 0; k < 3; k++) components[k][i] = place[k], components[k + 3][i] = side[k];
        memory.touching[i] = c.gap + std::min(0.f, dot(speed, normal)) * dt < TOUCHING;
        far[i] = 1e9f, weight[i] = (memory.touching[i] ? 1.f : 0.05f) * (memory.kept[i] ? 4.f : 1.f);
        const float depth = c.gap - (memory.kept[i] ? LOYALTY : 0);
        if (depth < deepest) deepest = depth, next = i;
    }
    size_t sides[3] = {next};
    int side_count = 1;
    for (size_t i = 0; i < n && side_count < 3; i++) {
        constexpr float OTHER = 0.3f * TURN;  // another side: normals that differ by 17°
        bool other = memory.touching[i];
        for (int k = 0; k < side_count && other; k++) other = length(normal_of(i) - normal_of(sides[k])) > OTHER;
        if (other) sides[side_count++] = i;
    }
    most *= side_count;
    for (int count = 0; count < most; count++) {
        out.push_back(found[next]);
        Lanes best = {};
        IntLanes where{}, index = {0, 1, 2, 3, 4, 5, 6, 7};
        for (size_t i = 0; i < wide; i += LANES) {
            Lanes square{};
            for (int k = 0; k < 6; k++) {
                const Lanes d = load(components[k] + i) - components[k][next];
                square += d * d;
            }
            const Lanes old = load(far + i), nearer = square < old ? square : old, score = nearer * load(weight + i);
            __builtin_memcpy(far + i, &nearer, sizeof nearer);
            const IntLanes better = score > best;
            best = better ? score : best, where = better ? index : where;
            index += LANES;
        }
        const Extreme chosen = first_largest(best, where);
        if (far[chosen.index] < 1e-8f) break;  // all others are where one is kept
        next = chosen.index;
    }
}

// Of two bodies, the one whose friction counts.
inline int rougher(const Bodies& s, int a, int b) {
    const int pa = s.priority[a], pb = s.priority[b];
    return pa > pb ? a : pb > pa ? b : s.friction[a] >= s.friction[b] ? a : b;
}

constexpr float FORESEEN = 0.05f;  // [m] of motion towards each other that contacts are found for ahead
constexpr float TOUCHED = 2e-4f;   // [m] below which a gap is none

// How fast any point of a body moves at most [m/s].
inline float fastest(const Bodies& s, int i) {
    const Vec3 half = s.shape[i]->high - s.shape[i]->low;
    return length(Vec3(s.linear + 3 * i)) + length(Vec3(s.angular + 3 * i)) * 0.5f * length(half);
}

// How fast points of two bodies approach each other at most [m/s].
inline float apart_speed(const Bodies& s, int a, int b) {
    auto spins = [&s](int i) { return length(Vec3(s.angular + 3 * i)) * 0.5f * length(s.shape[i]->high - s.shape[i]->low); };
    return length(Vec3(s.linear + 3 * a) - Vec3(s.linear + 3 * b)) + spins(a) + spins(b);
}

// Contacts of the last step between two bodies: places on both, component by component, padded.
struct Former {
    static constexpr int MOST = 64 * 3;
    float places[6][MOST];
    uint64_t keys[MOST];
    bool swapped[MOST], used[MOST];
    int count = 0;
    size_t first = 0;

    void gather(const Array<Contact>& last, uint64_t pair, int a) {
        while (first < last.size() && last[first].key >> 48 != pair) first++;
        for (size_t i = first; i < last.size() && last[i].key >> 48 == pair && count < MOST; i++, count++) {
            const Contact& c = last[i];
            for (int k = 0; k < 3; k++) places[k][count] = c.on_a[k], places[k + 3][count] = c.on_b[k];
            keys[count] = c.key, swapped[count] = c.a != a, used[count] = false;
            if (swapped[count])
                for (int k = 0; k < 3; k++) std::swap(places[k][count], places[k + 3][count]);
        }
        for (int i = count; i % LANES; i++)
            for (int k = 0; k < 6; k++) places[k][i] = 1e9f;
    }

    // Which one a contact goes on: of the same features, or near it on one of the bodies; -1: none.
    int same_place(uint64_t key, Vec3 on_a, Vec3 on_b) {
        constexpr float NEAR = 0.0015f;  // [m]
        for (int i = 0; i < count; i++)
            if (keys[i] == key && !used[i]) return take(i);
        Lanes best = Lanes{} - NEAR * NEAR;
        IntLanes where = IntLanes{} - 1, index = {0, 1, 2, 3, 4, 5, 6, 7};
        for (int i = 0; i < count; i += LANES) {
            const Lanes ax = load(places[0] + i) - on_a.x, ay = load(places[1] + i) - on_a.y, az = load(places[2] + i) - on_a.z;
            const Lanes bx = load(places[3] + i) - on_b.x, by = load(places[4] + i) - on_b.y, bz = load(places[5] + i) - on_b.z;
            const Lanes a = ax * ax + ay * ay + az * az, b = bx * bx + by * by + bz * bz, nearness = a < b ? -a : -b;
            const IntLanes better = nearness > best;
            best = better ? nearness : best, where = better ? index : where;
            index += LANES;
        }
        const Extreme found = first_largest(best, where);
        return found.value > -NEAR * NEAR ? take(found.index) : -1;
    }

private:
    int take(int i) {
        used[i] = true;
        for (int k = 0; k < 6; k++) places[k][i] = 1e9f;
        return i;
    }
};

// How two bodies move against each other in the frame of the first one's object.
struct Approach {
    Vec3 linear, spin_a, spin_b, com_a, com_b;  // of b's centre of mass from a's [m/s]; [rad/s]
    Approach(const Bodies& s, const Pose* poses, int a, int b, Vec3 at_a, Vec3 at_b)
        : linear(transposed_times(poses[a].r, Vec3(s.linear + 3 * b) - Vec3(s.linear + 3 * a))),
          spin_a(transposed_times(poses[a].r, Vec3(s.angular + 3 * a))), spin_b(transposed_times(poses[a].r, Vec3(s.angular + 3 * b))),
          com_a(at_a), com_b(at_b) {}

    // How far pieces of that size that are nearest at a point may come nearer in a time, as they move now. What slides
    // along may meet something that stands out.
    float within(float dt, Vec3 point, Vec3 normal, float size) const {
        constexpr float STANDS_OUT = 0.25f;
        const Vec3 v = linear + cross(spin_b, point - com_b) - cross(spin_a, point - com_a);
        const float along = dot(v, normal), across = length(v - normal * along);
        return dt * (std::max(0.f, -along) + STANDS_OUT * across + size * length(spin_b - spin_a));
    }
};

inline void detect_pair(const Bodies& s, const Pose* poses, int a, int b, float margin, float falls, float dt, const Settings& settings,
                        const Array<Contact>& last, Finding& memory, Array<Contact>& out) {
    const Shape &sa = *s.shape[a], &sb = *s.shape[b];
    const Vec3 com_a(s.center + 3 * a), com_b(s.center + 3 * b);
    // everything in the frame of A's object
    const Mat3 turn = transposed(poses[a].r) * poses[b].r;
    const Vec3 move = transposed_times(poses[a].r, poses[b].x - poses[a].x) + com_a - turn * com_b;
    const Mat3 back = transposed(turn);
    const Approach approach(s, poses, a, b, com_a, move + turn * com_b);
    Vec3 low_b, high_b, low_a, high_a;
    turned_box(turn, move, sb.low, sb.high, low_b, high_b);                    // all of B in A
    turned_box(back, -(back * move), sa.low, sa.high, low_a, high_a);          // all of A in B
    if (!boxes_meet(sa.low, sa.high, low_b, high_b, margin) || !boxes_meet(sb.low, sb.high, low_a, high_a, margin)) return;
    memory.pieces_a.clear(), memory.pieces_b.clear(), memory.candidates.clear(), memory.kept.clear();
    const uint64_t pair = uint64_t(a) << 8 | uint64_t(b);
    const float friction = s.friction[rougher(s, a, b)], restitution = std::max(s.restitution[a], s.restitution[b]);
    Former former;
    former.gather(last, pair, a);
    for (int i = 0; i < int(sa.pieces.size()); i++)
        if (boxes_meet(sa.pieces[i].low, sa.pieces[i].high, low_b, high_b, margin + sa.pieces[i].radius)) memory.pieces_a.push_back(i);
    if (memory.pieces_a.empty()) return;
    memory.low_a.resize(memory.pieces_a.size()), memory.high_a.resize(memory.pieces_a.size());
    for (size_t i = 0; i < memory.pieces_a.size(); i++) {
        const Piece& piece = sa.pieces[memory.pieces_a[i]];
        turned_box(back, -(back * move), piece.low, piece.high, memory.low_a[i], memory.high_a[i]);
    }
    for (int i = 0; i < int(sb.pieces.size()); i++)
        if (boxes_meet(sb.pieces[i].low, sb.pieces[i].high, low_a, high_a, margin + sb.pieces[i].radius)) memory.pieces_b.push_back(i);
    for (const int j : memory.pieces_b) {
        const Piece& pb = sb.pieces[j];
        Vec3 low, high;
        turned_box(turn, move, pb.low, pb.high, low, high);
        for (size_t n = 0; n < memory.pieces_a.size(); n++) {
            const int i = memory.pieces_a[n];
            const Piece& pa = sa.pieces[i];
            const float rounding = pa.radius + pb.radius;
            if (!boxes_meet(pa.low, pa.high, low, high, margin + rounding)) continue;
            if (!boxes_meet(pb.low, pb.high, memory.low_a[n], memory.high_a[n], margin + rounding)) continue;
            const Placed first{&sa, &pa, {}, {}, true}, second{&sb, &pb, turn, move, false};
            const Apart found = apart(first, second, margin + rounding);
            if (!found.near) continue;
            const float size = std::min(length(pa.high - pa.low), length(pb.high - pb.low));
            const float reach = std::min(margin, settings.margin + falls + approach.within(dt, found.on_b, found.normal, size)) + rounding;
            if (found.gap > reach) continue;
            Manifold& manifold = memory.manifold;
            manifold.count = 0;
            touch(first, second, found, reach, manifold);
            for (int k = 0; k < manifold.count; k++) {
                const Point& p = manifold.points[k];
                memory.candidates.emplace_back();
                Contact& c = memory.candidates.back();
                const Vec3 in_a = (p.swapped ? p.on_vertex : p.on_face) - com_a;
                const Vec3 in_b = back * ((p.swapped ? p.on_face : p.on_vertex) - move) - com_b;
                c.a = p.swapped ? b : a, c.b = p.swapped ? a : b;
                c.on_a = p.swapped ? in_b : in_a, c.on_b = p.swapped ? in_a : in_b;
                c.normal = p.swapped ? back * p.normal : p.normal;
                c.offset = rounding, c.round_b = p.swapped ? pa.radius : pb.radius;
                c.gap = p.gap - rounding;
                c.friction = friction, c.restitution = restitution;
                c.key = pair << 48 | uint64_t(i) << 38 | uint64_t(j) << 28 | p.feature;
                c.from = -1;
                const int old = former.same_place(c.key, in_a, in_b);
                if (old >= 0) {
                    c.from = int(former.first) + old;
                    const float sign = c.a == last[c.from].a ? 1.f : -1.f;
                    c.impulse = last[c.from].impulse * sign, c.twist = last[c.from].twist * sign;
                }
                memory.kept.push_back(old >= 0);
            }
        }
    }
    spread_out(memory, s, poses, dt, settings.contacts_per_pair, out);
}

// All contacts between bodies of which one at least is `awake`. What is `supported` does not fall within the step.
inline void detect(const Bodies& s, const Pose* poses, const uint8_t* awake, const uint8_t* supported, const Array<Contact>& last,
                   const Settings& settings, float dt, Finding& memory, Array<Contact>& out) {
    const float fall = 0.5f * length(Vec3(settings.gravity)) * dt * dt;
    for (int b = 0; b < s.count; b++) {
        if (!s.shape[b]) continue;
        for (int a = 0; a < b; a++) {
            if (!s.shape[a] || (s.kinematic[a] && s.kinematic[b]) || !(awake[a] || awake[b])) continue;
            const bool falls = (!s.kinematic[a] && !supported[a]) || (!s.kinematic[b] && !supported[b]);
            const float motion = apart_speed(s, a, b) * dt + (falls ? fall : 0);
            const float margin = settings.margin + std::min(motion, FORESEEN + fall);
            if (boxes_meet(poses[a].low, poses[a].high, poses[b].low, poses[b].high, margin))
                detect_pair(s, poses, a, b, margin, falls ? fall : 0, dt, settings, last, memory, out);
        }
    }
}
