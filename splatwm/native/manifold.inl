// The points in which two pieces touch, once their gap and its direction are known.
//
// Vertices of one piece over faces of the other, both ways, and where the outlines of the touching sides cross.

struct Point {
    bool swapped;  // the face is B's
    Vec3 on_face, on_vertex, normal;  // frame of A; the normal leaves the body whose face it is
    float gap;
    uint32_t feature;
};

struct Manifold {
    static constexpr int MOST = 256;
    Point points[MOST];
    int count = 0;
    void add(const Point& p) {
        if (count < MOST) points[count++] = p;
    }
};

constexpr int FOREMOST = 128;     // vertices of a touching side that are looked at
constexpr float ALIGNED = 0.8f;   // cosine between a face's normal and the direction of the gap
constexpr float ON_FACE = 2e-6f;  // [m] beside a face still counts as over it

// Vertices of a piece that lie at most `reach` beyond the foremost one in a direction.
inline int foremost(const Placed& p, Vec3 direction, float reach, int* found) {
    const Vec3 d = p.local_direction(direction);
    const int k = p.piece->vertex;
    const float *x = &p.shape->vx[k], *y = &p.shape->vy[k], *z = &p.shape->vz[k];
    const Extreme top = largest(x, y, z, nullptr, p.piece->vertices, d);
    const float low = top.value - reach;
    int count = 0;
    for (int i = 0; i < p.piece->vertices && count < FOREMOST; i += LANES) {
        const Lanes value = load(x + i) * d.x + load(y + i) * d.y + load(z + i) * d.z;
        if (none(value >= low)) continue;
        for (int j = 0; j < LANES && count < FOREMOST; j++)
            if (value[j] >= low) {
                const int n = i + j;  // padding repeats the last vertex
                if (n && x[n] == x[n - 1] && y[n] == y[n - 1] && z[n] == z[n - 1]) continue;
                found[count++] = n;
            }
    }
    return count;
}

// Vertices over the faces of the other piece; returns how many of them lie beside it.
inline int vertices_over(const Placed& over, const Placed& face, const int* vertices, int count, Vec3 normal, float level,
                         float margin, bool swapped, Manifold& out) {
    if (face.piece->planes == 0) return count;
    int beside = 0;
    const Vec3 low = face.piece->low, high = face.piece->high;
    for (int i = 0; i < count; i++) {
        const Vec3 p = over.vertex(vertices[i]), local = face.local_point(p);
        if (local.x < low.x - margin || local.y < low.y - margin || local.z < low.z - margin ||
            local.x > high.x + margin || local.y > high.y + margin || local.z > high.z + margin) {
            beside++;
            continue;
        }
        const Extreme top = face.plane(local);
        const Vec3 n = face.plane_normal(top.index);
        float gap = top.value;
        Vec3 outward = face.direction(n);
        const bool aligned = dot(outward, normal) > ALIGNED;
        const bool inside = gap <= 0 || (aligned && face.plane(local - n * gap).value <= ON_FACE);
        if (!inside) {
            beside++;
            continue;
        }
        if (!aligned) outward = normal, gap = dot(normal, p) - level;  // near an edge: the side is not what it touches
        if (gap > margin) continue;
        out.add({swapped, p - outward * gap, p, outward, gap, uint32_t(swapped) << 16 | uint32_t(vertices[i])});
    }
    return beside;
}

struct Flat {
    float x, y;
    int vertex;
};

// Counter-clockwise outline of points in the plane (Andrew's monotone chain).
inline int outline(Flat* p, int n, Flat* hull) {
    std::sort(p, p + n, [](const Flat& a, const Flat& b) { return a.x < b.x || (a.x == b.x && a.y < b.y); });
    auto left = [](const Flat& o, const Flat& a, const Flat& b) {
        return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x) > 1e-12f;
    };
    int k = 0;
    for (int i = 0; i < n; i++) {
        while (k >= 2 && !left(hull[k - 2], hull[k - 1], p[i])) k--;
        hull[k++] = p[i];
    }
    for (int i = n - 2, t = k + 1; i >= 0; i--) {
        while (k >= t && !left(hull[k - 2], hull[k - 1], p[i])) k--;
        hull[k++] = p[i];
    }
    return n > 1 ? k - 1 : n;
}

// Where the outlines of both touching sides cross, seen along the normal.
inline void crossings(const Placed& a, const Placed& b, const int* va, int na, const int* vb, int nb, Vec3 normal,
                      float margin, Manifold& out) {
    const float sign = std::copysign(1.f, normal.z), k = -1 / (sign + normal.z), m = normal.x * normal.y * k;
    const Vec3 t1{1 + sign * normal.x * normal.x * k, sign * m, -sign * normal.x};
    const Vec3 t2{m, sign + normal.y * normal.y * k, -normal.y};
    Flat flat[2][FOREMOST], hull[2][2 * FOREMOST + 1];
    for (int i = 0; i < na; i++) {
        const Vec3 p = a.vertex(va[i]);
        flat[0][i] = {dot(p, t1), dot(p, t2), va[i]};
    }
    for (int i = 0; i < nb; i++) {
        const Vec3 p = b.vertex(vb[i]);
        flat[1][i] = {dot(p, t1), dot(p, t2), vb[i]};
    }
    const int ca = outline(flat[0], na, hull[0]), cb = outline(flat[1], nb, hull[1]);
    if (ca < 2 || cb < 2) return;
    for (int i = 0; i < (ca == 2 ? 1 : ca); i++) {
        const Flat p = hull[0][i], q = hull[0][(i + 1) % ca];
        const float ex = q.x - p.x, ey = q.y - p.y;
        for (int j = 0; j < (cb == 2 ? 1 : cb); j++) {
            const Flat r = hull[1][j], s = hull[1][(j + 1) % cb];
            const float fx = s.x - r.x, fy = s.y - r.y, area = ex * fy - ey * fx;
            if (std::abs(area) < 1e-3f * std::sqrt((ex * ex + ey * ey) * (fx * fx + fy * fy))) continue;  // nearly parallel
            const float t = ((r.x - p.x) * fy - (r.y - p.y) * fx) / area, u = ((r.x - p.x) * ey - (r.y - p.y) * ex) / area;
            if (t < 0 || t > 1 || u < 0 || u > 1) continue;
            const Vec3 p3 = a.vertex(p.vertex), r3 = b.vertex(r.vertex);
            const Vec3 on_a = p3 + (a.vertex(q.vertex) - p3) * t, on_b = r3 + (b.vertex(s.vertex) - r3) * u;
            const float gap = dot(normal, on_b - on_a);
            if (gap > margin) continue;
            out.add({false, on_b - normal * gap, on_b, normal, gap,
                     uint32_t(2) << 16 | uint32_t(p.vertex & 255) << 8 | uint32_t(r.vertex & 255)});
        }
    }
}

inline void touch(const Placed& a, const Placed& b, const Apart& found, float margin, Manifold& out) {
    const Vec3 n = found.normal;
    const float reach = margin - found.gap;
    int va[FOREMOST], vb[FOREMOST];
    const int na = foremost(a, n, reach, va), nb = foremost(b, -n, reach, vb);
    const int first = out.count;
    const float level_a = dot(n, found.on_a), level_b = dot(n, found.on_b);
    const int outside_b = vertices_over(b, a, vb, nb, n, level_a, margin, false, out);
    // the part of A that lies over B matters only if B is not all over A
    int outside_a = na;
    if (outside_b || nb < 3) outside_a = vertices_over(a, b, va, na, -n, -level_b, margin, true, out);
    if (outside_a && outside_b && na > 1 && nb > 1) crossings(a, b, va, na, vb, nb, n, margin, out);
    float least = 1e9f;
    for (int i = first; i < out.count; i++) least = std::min(least, out.points[i].gap);
    if (least > found.gap + 1e-4f)
        out.add({false, found.on_b - n * found.gap, found.on_b, n, found.gap, uint32_t(3) << 16});
}
