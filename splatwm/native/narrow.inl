// Distance and direction between two convex pieces: faces first, then GJK, and EPA for what overlaps.
//
// Everything is in the frame of A. GJK: Gilbert, Johnson, Keerthi 1988; EPA: van den Bergen 2001. A face of one piece is
// the answer if the other's lowest vertex over it lies over that face, or, under the surface, is nearest to that face.

typedef float Lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t IntLanes __attribute__((vector_size(4 * LANES)));

inline Lanes load(const float* p) {
    Lanes v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

inline bool none(const IntLanes& mask) {
    uint64_t parts[LANES / 2];
    __builtin_memcpy(parts, &mask, sizeof parts);
    return !(parts[0] | parts[1] | parts[2] | parts[3]);
}

struct Extreme {
    float value;
    int index;
};

// The largest of some values, and of equal ones the first.
inline Extreme first_largest(Lanes values, IntLanes indices) {
    auto with = [&](const Lanes& other, const IntLanes& theirs) {
        const IntLanes better = (other > values) | ((other == values) & (theirs < indices));
        values = better ? other : values, indices = better ? theirs : indices;
    };
    with(__builtin_shufflevector(values, values, 4, 5, 6, 7, 0, 1, 2, 3), __builtin_shufflevector(indices, indices, 4, 5, 6, 7, 0, 1, 2, 3));
    with(__builtin_shufflevector(values, values, 2, 3, 0, 1, 6, 7, 4, 5), __builtin_shufflevector(indices, indices, 2, 3, 0, 1, 6, 7, 4, 5));
    with(__builtin_shufflevector(values, values, 1, 0, 3, 2, 5, 4, 7, 6), __builtin_shufflevector(indices, indices, 1, 0, 3, 2, 5, 4, 7, 6));
    return {values[0], indices[0]};
}

// The largest x * dx + y * dy + z * dz - w among n values, n a multiple of LANES.
inline Extreme largest(const float* x, const float* y, const float* z, const float* w, int n, Vec3 d) {
    Lanes best = Lanes{} - 1e30f;
    IntLanes where{}, index = {0, 1, 2, 3, 4, 5, 6, 7};
    for (int i = 0; i < n; i += LANES) {
        Lanes value = load(x + i) * d.x + load(y + i) * d.y + load(z + i) * d.z;
        if (w) value -= load(w + i);
        const IntLanes better = value > best;
        best = better ? value : best;
        where = better ? index : where;
        index += LANES;
    }
    return first_largest(best, where);
}

// A piece as seen from the frame in which the pair is looked at.
struct Placed {
    const Shape* shape;
    const Piece* piece;
    Mat3 turn;  // from the piece's frame
    Vec3 move;
    bool identity;

    Vec3 vertex(int i) const {
        const int k = piece->vertex + i;
        const Vec3 v{shape->vx[k], shape->vy[k], shape->vz[k]};
        return identity ? v : turn * v + move;
    }
    Vec3 local_direction(Vec3 d) const { return identity ? d : transposed_times(turn, d); }
    Vec3 local_point(Vec3 p) const { return identity ? p : transposed_times(turn, p - move); }
    Vec3 direction(Vec3 d) const { return identity ? d : turn * d; }
    Vec3 center() const { return identity ? piece->center : turn * piece->center + move; }
    int support(Vec3 d) const {
        const int k = piece->vertex;
        const Shape& s = *shape;
        return largest(&s.vx[k], &s.vy[k], &s.vz[k], nullptr, piece->vertices, local_direction(d)).index;
    }
    // The plane that a point (in the piece's frame) is farthest above, or least below.
    Extreme plane(Vec3 local) const {
        const int k = piece->plane;
        const Shape& s = *shape;
        return largest(&s.px[k], &s.py[k], &s.pz[k], &s.pd[k], piece->planes, local);
    }
    Vec3 plane_normal(int i) const {
        const int k = piece->plane + i;
        return {shape->px[k], shape->py[k], shape->pz[k]};
    }
};

struct Apart {
    bool near = false;  // the gap is below the margin
    float gap = 0;      // between the cores, without their roundings
    Vec3 normal;        // from A to B
    Vec3 on_a, on_b;    // nearest points
};

// Whether a face of A gives the answer; 1: yes, 0: no, -1: yes, and they are farther apart than the margin.
inline int face_against(const Placed& a, const Placed& b, float margin, Apart& out) {
    if (a.piece->planes == 0) return 0;
    int face = a.plane(a.local_point(b.center())).index;
    for (int round = 0; round < 3; round++) {
        const Vec3 local = a.plane_normal(face), normal = a.direction(local);
        const Vec3 lowest = b.vertex(b.support(-normal));
        const Vec3 place = a.local_point(lowest);
        const float height = dot(local, place) - a.shape->pd[a.piece->plane + face];
        if (height > margin) return -1;
        const Extreme top = a.plane(place);
        // above: the foot of the perpendicular must lie in the face; below: no other face may be nearer
        const bool settled = height > 0 ? a.plane(place - local * height).value < 1e-6f : top.value < height + 1e-7f;
        if (settled) {
            out = {true, height, normal, lowest - normal * height, lowest};
            return 1;
        }
        if (top.index == face) return 0;
        face = top.index;
    }
    return 0;
}

using Vec3d = Vec<double>;
struct Corner {  // of the difference B - A
    Vec3d w;
    int a, b;
};

inline Vec3d wide(Vec3 v) { return {v.x, v.y, v.z}; }
inline Vec3 narrow(Vec3d v) { return {float(v.x), float(v.y), float(v.z)}; }

inline Corner corner(const Placed& a, const Placed& b, Vec3d direction) {
    const Vec3 d = narrow(direction);
    const int i = a.support(-d), j = b.support(d);
    return {wide(b.vertex(j)) - wide(a.vertex(i)), i, j};
}

// A simplex of the difference with the weights of its point nearest to the origin.
struct Simplex {
    Corner corners[4];
    double weights[4];
    int count = 0;

    void keep(std::initializer_list<std::pair<int, double>> kept) {
        Corner c[4];
        double w[4];
        int n = 0;
        for (auto [i, weight] : kept) c[n] = corners[i], w[n++] = weight;
        for (int i = 0; i < n; i++) corners[i] = c[i], weights[i] = w[i];
        count = n;
    }
    Vec3d nearest() const {
        Vec3d v;
        for (int i = 0; i < count; i++) v += corners[i].w * weights[i];
        return v;
    }
};

inline void nearest_on_line(Simplex& s) {
    const Vec3d a = s.corners[0].w, ab = s.corners[1].w - a;
    const double t = -dot(a, ab), square = dot(ab, ab);
    if (t <= 0 || square <= 0) return s.keep({{0, 1.0}});
    if (t >= square) return s.keep({{1, 1.0}});
    s.keep({{0, 1 - t / square}, {1, t / square}});
}

// Ericson 2005, Real-Time Collision Detection, 5.1.5.
inline void nearest_on_triangle(Simplex& s) {
    const Vec3d a = s.corners[0].w, b = s.corners[1].w, c = s.corners[2].w, ab = b - a, ac = c - a;
    const double d1 = -dot(ab, a), d2 = -dot(ac, a), d3 = -dot(ab, b), d4 = -dot(ac, b), d5 = -dot(ab, c), d6 = -dot(ac, c);
    if (d1 <= 0 && d2 <= 0) return s.keep({{0, 1.0}});
    if (d3 >= 0 && d4 <= d3) return s.keep({{1, 1.0}});
    if (d6 >= 0 && d5 <= d6) return s.keep({{2, 1.0}});
    const double vc = d1 * d4 - d3 * d2, vb = d5 * d2 - d1 * d6, va = d3 * d6 - d5 * d4;
    if (vc <= 0 && d1 >= 0 && d3 <= 0) return s.keep({{0, 1 - d1 / (d1 - d3)}, {1, d1 / (d1 - d3)}});
    if (vb <= 0 && d2 >= 0 && d6 <= 0) return s.keep({{0, 1 - d2 / (d2 - d6)}, {2, d2 / (d2 - d6)}});
    if (va <= 0 && d4 - d3 >= 0 && d5 - d6 >= 0) {
        const double t = (d4 - d3) / (d4 - d3 + d5 - d6);
        return s.keep({{1, 1 - t}, {2, t}});
    }
    const double sum = va + vb + vc;
    if (!(sum > 0)) return s.keep({{0, 1.0}});
    s.keep({{0, va / sum}, {1, vb / sum}, {2, vc / sum}});
}

// False if the origin is inside.
inline bool nearest_on_tetrahedron(Simplex& s) {
    static constexpr int faces[4][4] = {{0, 1, 2, 3}, {0, 2, 3, 1}, {0, 3, 1, 2}, {1, 3, 2, 0}};
    Simplex best;
    double least = 1e300;
    bool outside = false;
    for (const auto& f : faces) {
        const Vec3d a = s.corners[f[0]].w, normal = cross(s.corners[f[1]].w - a, s.corners[f[2]].w - a);
        const double origin = -dot(a, normal), fourth = dot(s.corners[f[3]].w - a, normal);
        if (fourth != 0 && origin * fourth > 0) continue;  // the origin is on the inner side
        outside = true;
        Simplex t;
        for (int i = 0; i < 3; i++) t.corners[i] = s.corners[f[i]];
        t.count = 3;
        nearest_on_triangle(t);
        const Vec3d v = t.nearest();
        if (dot(v, v) < least) least = dot(v, v), best = t;
    }
    if (outside) s = best;
    return outside;
}

inline void witnesses(const Placed& a, const Placed& b, const Simplex& s, Apart& out) {
    Vec3d pa, pb;
    for (int i = 0; i < s.count; i++) {
        pa += wide(a.vertex(s.corners[i].a)) * s.weights[i];
        pb += wide(b.vertex(s.corners[i].b)) * s.weights[i];
    }
    out.on_a = narrow(pa), out.on_b = narrow(pb);
}

// Where the difference has no inside, as that of crossed segments: what touches is pushed out across what it spans.
inline void touch_flat(const Placed& a, const Placed& b, const Simplex& s, Simplex nearest, Apart& out) {
    const Vec3d toward = wide(b.center()) - wide(a.center());
    Vec3d normal = length(toward) > 1e-9 ? toward : Vec3d{0, 0, 1};
    if (s.count == 2) {  // of all directions across a line, that which leads from one middle to the other
        const Vec3d line = s.corners[1].w - s.corners[0].w;
        Vec3d across = normal - line * (dot(normal, line) / dot(line, line));
        if (length(across) < 1e-6 * length(normal))
            across = std::abs(line.x) < std::abs(line.z) ? cross(line, {1, 0, 0}) : cross(line, {0, 0, 1});
        normal = across;
    }
    if (s.count > 2) {
        const Vec3d across = cross(s.corners[1].w - s.corners[0].w, s.corners[2].w - s.corners[0].w);
        normal = dot(across, toward) < 0 ? -across : across;
    }
    out.normal = narrow(normalized(normal));
    if (nearest.count == 4) std::fill(nearest.weights, nearest.weights + 4, 0.25);
    witnesses(a, b, nearest, out);
    out.gap = 0, out.near = true;
}

// Grow a polytope inside the difference until its face nearest to the origin is on the surface.
inline bool expand(const Placed& a, const Placed& b, Simplex& s, Apart& out) {
    constexpr int MOST = 96;
    struct Face {
        int v[3];
        Vec3d normal;
        double distance;
    };
    Corner corners[MOST];
    Face faces[2 * MOST];
    int corner_count = 0, face_count = 0;
    // make a tetrahedron of what GJK ended with
    static const Vec3d axes[6] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {-1, 0, 0}, {0, -1, 0}, {0, 0, -1}};
    if (s.count < 2)
        for (const Vec3d& d : axes) {
            s.corners[1] = corner(a, b, d);
            if (length(s.corners[1].w - s.corners[0].w) > 1e-7) { s.count = 2; break; }
        }
    if (s.count == 2)
        for (const Vec3d& d : axes) {
            const Vec3d across = cross(s.corners[1].w - s.corners[0].w, d);
            if (length(across) < 1e-12) continue;
            s.corners[2] = corner(a, b, across);
            if (length(cross(s.corners[1].w - s.corners[0].w, s.corners[2].w - s.corners[0].w)) > 1e-12) { s.count = 3; break; }
        }
    if (s.count == 3) {
        const Vec3d normal = cross(s.corners[1].w - s.corners[0].w, s.corners[2].w - s.corners[0].w);
        for (double side : {1.0, -1.0}) {
            s.corners[3] = corner(a, b, normal * side);
            if (std::abs(dot(s.corners[3].w - s.corners[0].w, normal)) > 1e-16) { s.count = 4; break; }
        }
    }
    if (s.count < 4) return false;
    for (int i = 0; i < 4; i++) corners[corner_count++] = s.corners[i];
    auto add = [&](int i, int j, int k) {
        const Vec3d p = corners[i].w, n = cross(corners[j].w - p, corners[k].w - p);
        const double size = length(n);
        if (face_count == 2 * MOST) return false;
        // a sliver is kept so that the surface stays closed, but never chosen
        faces[face_count++] = {{i, j, k}, size > 1e-18 ? n * (1 / size) : Vec3d{}, size > 1e-18 ? dot(n, p) / size : 1e9};
        return true;
    };
    const Vec3d e1 = corners[1].w - corners[0].w, e2 = corners[2].w - corners[0].w, e3 = corners[3].w - corners[0].w;
    if (dot(cross(e1, e2), e3) > 0) std::swap(corners[1], corners[2]);
    add(0, 1, 2), add(0, 3, 1), add(0, 2, 3), add(1, 3, 2);
    Face best{};
    for (int round = 0;; round++) {
        int nearest = 0;
        for (int i = 1; i < face_count; i++)
            if (faces[i].distance < faces[nearest].distance) nearest = i;
        const Face face = best = faces[nearest];
        const Corner next = corner(a, b, face.normal);
        if (dot(next.w, face.normal) - face.distance < 1e-7 || corner_count == MOST || round == 2 * MOST) break;
        std::pair<int, int> rim[2 * MOST];
        int rim_count = 0;
        const int id = corner_count;
        for (int i = 0; i < face_count;) {
            const Face& f = faces[i];
            if (dot(f.normal, next.w - corners[f.v[0]].w) <= 0) { i++; continue; }
            for (int e = 0; e < 3; e++) {
                const int p = f.v[e], q = f.v[(e + 1) % 3];
                int k = 0;
                while (k < rim_count && !(rim[k].first == q && rim[k].second == p)) k++;
                if (k < rim_count) rim[k] = rim[--rim_count];
                else if (rim_count < 2 * MOST) rim[rim_count++] = {p, q};
            }
            faces[i] = faces[--face_count];
        }
        if (rim_count < 3) break;
        corners[corner_count++] = next;
        bool whole = true;
        for (int k = 0; k < rim_count; k++) whole &= add(rim[k].first, rim[k].second, id);
        if (!whole) break;  // no room: the last face is near enough
    }
    const Face& face = best;
    if (face.distance > 1e8) return false;
    Simplex t;
    for (int i = 0; i < 3; i++) t.corners[i] = corners[face.v[i]];
    t.count = 3;
    nearest_on_triangle(t);
    witnesses(a, b, t, out);
    // the difference B - A reaches `distance` beyond the origin along face.normal: B leaves A against it
    out.normal = narrow(-face.normal);
    out.gap = float(-std::max(face.distance, 0.0));
    out.near = true;
    return true;
}

// The gap between two pieces' cores and where it is; near is false if it is larger than the margin.
inline Apart apart(const Placed& a, const Placed& b, float margin) {
    Apart out;
    int found = face_against(a, b, margin, out);
    if (found) return out;
    found = face_against(b, a, margin, out);
    if (found > 0) std::swap(out.on_a, out.on_b), out.normal = -out.normal;
    if (found) return out;
    Simplex s;
    Vec3d v = wide(b.center()) - wide(a.center());
    if (dot(v, v) < 1e-20) v = {1, 0, 0};
    for (int round = 0; round < 64; round++) {
        const Corner next = corner(a, b, -v);
        const double square = dot(v, v), along = dot(v, next.w);
        if (s.count) {
            if (along > 0 && along * along > double(margin) * margin * square) return out;  // separated by more
            if (square - along <= 1e-6 * square) break;
        }
        bool known = false;
        for (int i = 0; i < s.count; i++) known |= s.corners[i].a == next.a && s.corners[i].b == next.b;
        if (known) break;
        s.corners[s.count] = next, s.weights[s.count] = 1;
        s.count++;
        bool outside = true;
        if (s.count == 2) nearest_on_line(s);
        if (s.count == 3) nearest_on_triangle(s);
        if (s.count == 4) outside = nearest_on_tetrahedron(s);
        v = outside ? s.nearest() : Vec3d{};
        if (dot(v, v) < 1e-14) {  // closer than a tenth of a micrometre
            const Simplex nearest = s;
            if (!expand(a, b, s, out)) touch_flat(a, b, s, nearest, out);
            return out;
        }
    }
    const double distance = length(v);
    if (!(distance < margin)) return out;
    witnesses(a, b, s, out);
    out.normal = narrow(v * (1 / distance)), out.gap = float(distance), out.near = true;
    return out;
}
