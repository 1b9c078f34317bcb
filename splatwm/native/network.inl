// The network inside the solver, as splatwm/model/features.py and network.py have it: features of contacts, two rounds
// of messages between contacts and bodies, corrections. Scratch memory grows to what a world needs and is kept.

SPLATWM_INLINE float bounded(float x) { return x / (1 + std::fabs(x)); }
SPLATWM_INLINE float size_of(float x, float y, float z = 0) { return std::sqrt(x * x + y * y + z * z + 1e-12f); }

// y (+)= x W (+ bias) for many rows, in tiles of four rows and sixteen columns that stay in registers.
template <int ROWS>
SPLATWM_INLINE void tile(const Layer& l, const float* x, float* y, int column, bool add) {
    float sum[ROWS][TILE];
    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < TILE; j++)
            sum[r][j] = (l.bias ? l.bias[column + j] : 0.f) + (add ? y[size_t(r) * l.out + column + j] : 0.f);
    for (int i = 0; i < l.in; i++) {
        const float* w = l.weight + size_t(i) * l.out + column;
        for (int r = 0; r < ROWS; r++) {
            const float v = x[size_t(r) * l.in + i];
            for (int j = 0; j < TILE; j++) sum[r][j] += v * w[j];
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < TILE; j++) y[size_t(r) * l.out + column + j] = sum[r][j];
}

inline void run_layer(const Layer& l, const float* x, int rows, float* y, bool add = false) {
    int r = 0;
    for (; r + 4 <= rows; r += 4)
        for (int j = 0; j < l.out; j += TILE) tile<4>(l, x + size_t(r) * l.in, y + size_t(r) * l.out, j, add);
    for (; r < rows; r++)
        for (int j = 0; j < l.out; j += TILE) tile<1>(l, x + size_t(r) * l.in, y + size_t(r) * l.out, j, add);
}

inline void hard_swish(float* x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] *= std::min(std::max(x[i] + 3, 0.f), 6.f) / 6;
}

// What one contact's features are made of.
struct Seen {
    float features[CONTACT_FEATURES], side_a[SIDE_FEATURES], side_b[SIDE_FEATURES];
};

inline void see_side(const Vec3& arm, const Vec3& spin, const float* heading, float out, const Vec3& down, float share, float h, float* f) {
    constexpr float REACH = 0.03f, SPIN = 5, TURN = 0.1f;
    f[0] = bounded(out * arm.x / REACH);
    f[1] = bounded(size_of(arm.y, arm.z) / REACH);
    f[2] = share;
    f[3] = out * down.x;
    f[4] = bounded(out * (spin.y * heading[1] - spin.z * heading[0]) / SPIN);
    f[5] = heading[0] * down.y + heading[1] * down.z;
    f[6] = bounded(size_of(spin.x, spin.y, spin.z) * h / TURN);
    f[7] = bounded((arm.y * heading[0] + arm.z * heading[1]) / REACH);
}

// `start` are relative velocities at the start of the step; bodies a and b hold those of free motion.
inline void see(const Row<float>& c, const float* start, const Vec3& spin_a, const Vec3& spin_b, const Moving<float>& a, const Moving<float>& b,
                const Vec3& gravity, float h, Seen& seen) {
    constexpr float DEPTH = 0.001f, SLOW = 0.1f, FAST = 1, SPIN = 5, TINY = 1e-3f;
    const float weight = length(gravity);
    const Vec3 down = c.frame * (gravity * (1 / std::max(weight, 1e-9f)));
    const Vec3 wa = c.frame * spin_a, wb = c.frame * spin_b, turning = wb - wa;
    const Relative<float> free = relative(c, a, b);
    const float speed = size_of(start[1], start[2]), free_speed = size_of(free.u[1], free.u[2]);
    const float heading[2] = {start[1] / (speed + TINY), start[2] / (speed + TINY)}, back[2] = {-heading[0], -heading[1]};
    const float masses = a.inverse_mass + b.inverse_mass, normal = c.mobility[0][0], mu = c.friction[0], closing = -free.u[0];
    float* f = seen.features;
    f[0] = bounded(c.gap / DEPTH);
    f[1] = bounded(c.gap / (h * SLOW));
    f[2] = bounded(start[0] / SLOW);
    f[3] = bounded(start[0] / FAST);
    f[4] = bounded(free.u[0] / SLOW);
    f[5] = bounded((c.gap + h * free.u[0]) / DEPTH);
    f[6] = bounded(speed / SLOW);
    f[7] = bounded(speed / FAST);
    f[8] = bounded(free_speed / SLOW);
    f[9] = (start[1] * free.u[1] + start[2] * free.u[2]) / (speed * free_speed + TINY * TINY);
    f[10] = bounded(std::fabs(turning.x) / SPIN);
    f[11] = bounded(size_of(turning.y, turning.z) / SPIN);
    f[12] = mu;
    f[13] = masses / normal;
    f[14] = 2 * masses / (c.mobility[1][1] + c.mobility[2][2]);
    f[15] = (c.mobility[0][1] * heading[0] + c.mobility[0][2] * heading[1]) / normal;
    f[16] = size_of(c.mobility[0][1], c.mobility[0][2]) / normal;
    f[17] = std::fabs(down.x);
    f[18] = h / (h + 1.f / 120);
    f[19] = c.restitution;
    f[20] = std::min(std::max(c.gap / (h * std::max(closing, TINY)), 0.f), 1.f);
    f[21] = a.inverse_mass > 0 && b.inverse_mass > 0 ? 1.f : 0.f;
    f[22] = bounded(free_speed / (mu * std::max(closing, 0.f) + TINY));
    f[23] = bounded(weight * h / (std::fabs(start[0]) + TINY));
    see_side(c.frame * c.arm_a, wa, back, 1, down, a.inverse_mass / masses, h, seen.side_a);
    see_side(c.frame * c.arm_b, wb, heading, -1, down, b.inverse_mass / masses, h, seen.side_b);
}

struct Thinking {
    Array<Seen> seen;
    Array<float> contact, side_a, side_b, both, edge, from_a, from_b, material, hidden, mine, other, heard, told, end, out;
    Array<int> touched;

    // Asks the network about the contacts of a step whose first part has h seconds; `moving` holds the velocities of free
    // motion, `spin` those before. Frictions in the rows are those of the surfaces.
    void ask(const Network& n, const Bodies& s, const Array<Row<float>>& rows, const Array<Relative<float>>& before,
             const Array<Moving<float>>& moving, const Array<Vec3>& spin, const Settings& settings, float h) {
        const int c = int(rows.size());
        if (!c) return;
        const Vec3 gravity(settings.gravity);
        seen.resize(c);
        contact.resize(size_t(c) * CONTACT_FEATURES), side_a.resize(size_t(c) * SIDE_FEATURES), side_b.resize(side_a.size()), both.resize(side_a.size());
        for (int k = 0; k < c; k++) {
            const Row<float>& row = rows[k];
            see(row, before[k].u, spin[row.a], spin[row.b], moving[row.a], moving[row.b], gravity, h, seen[k]);
            std::copy_n(seen[k].features, CONTACT_FEATURES, &contact[size_t(k) * CONTACT_FEATURES]);
            for (int j = 0; j < SIDE_FEATURES; j++) {
                const size_t at = size_t(k) * SIDE_FEATURES + j;
                side_a[at] = seen[k].side_a[j], side_b[at] = seen[k].side_b[j], both[at] = side_a[at] + side_b[at];
            }
        }
        think(n, s, rows, moving);
    }

    // Corrects contacts by what the network said of them.
    void correct(Array<Row<float>>& rows, const Array<Relative<float>>& before, const Settings& settings, float h) const {
        const float settled = settings.damping * h, keeps = 0.25f * settled / (1 + settled);
        const Vec3 gravity(settings.gravity);
        for (size_t k = 0; k < rows.size(); k++) {
            Row<float>& row = rows[k];
            const float* start = before[k].u;
            const float lively = std::max(-start[0], 0.f) + 0.5f * row.friction[0] * size_of(start[1], start[2]);
            const float bound = lively * lively / (lively + h * std::fabs(dot(row.frame.r0, gravity)) + 1e-6f);
            float o[CORRECTIONS];
            for (int j = 0; j < CORRECTIONS; j++) o[j] = bounded(out[k * TILE + j]);
            row.bias[0] = bound * (o[0] > 0 ? 0.25f : 0.5f) * o[0];
            for (int j = 1; j < 3; j++) row.bias[j] = keeps * o[1] * start[j];
            row.position_bias = 0.125f * bound * o[5];
            for (int j = 0; j < 3; j++) row.friction[j] *= (4 + o[2 + j]) / (4 - o[2 + j]);
        }
    }

  private:
    // Outputs of all contacts from their features.
    void think(const Network& n, const Bodies& s, const Array<Row<float>>& rows, const Array<Moving<float>>& moving) {
        const int c = int(rows.size()), o = s.count, w = n.width;
        const size_t wide = size_t(c) * w, tall = size_t(o) * w;
        edge.resize(wide), from_a.resize(wide), from_b.resize(wide), end.resize(wide), out.resize(size_t(c) * TILE);
        for (auto* each : {&hidden, &mine, &other, &heard, &told}) each->resize(tall);
        run_layer(n.contact, contact.data(), c, edge.data());
        run_layer(n.side, both.data(), c, edge.data(), true);
        hard_swish(edge.data(), wide);
        run_layer(n.message, edge.data(), c, from_a.data());
        from_b = from_a;
        run_layer(n.message_side, side_a.data(), c, from_a.data(), true);
        run_layer(n.message_side, side_b.data(), c, from_b.data(), true);
        if (s.latents && n.latents) run_layer(n.material, s.latent, o, hidden.data());
        else std::fill(hidden.begin(), hidden.end(), 0.f);
        touched.assign(o, 0);
        for (const Row<float>& row : rows) touched[row.a]++, touched[row.b]++;
        for (int round = 0; round < MESSAGE_ROUNDS; round++) {
            run_layer(n.message_own, hidden.data(), o, mine.data());
            run_layer(n.message_other, hidden.data(), o, other.data());
            std::fill(heard.begin(), heard.end(), 0.f);
            for (int k = 0; k < c; k++) {
                const int a = rows[k].a, b = rows[k].b;
                if (moving[a].inverse_mass > 0) hear(w, &from_a[size_t(k) * w], &mine[size_t(a) * w], &other[size_t(b) * w], touched[a], &heard[size_t(a) * w]);
                if (moving[b].inverse_mass > 0) hear(w, &from_b[size_t(k) * w], &mine[size_t(b) * w], &other[size_t(a) * w], touched[b], &heard[size_t(b) * w]);
            }
            run_layer(n.gather, heard.data(), o, told.data());
            run_layer(n.keep, hidden.data(), o, told.data(), true);
            hard_swish(told.data(), tall);
            for (int i = 0; i < o; i++)
                if (moving[i].inverse_mass > 0) std::copy_n(&told[size_t(i) * w], w, &hidden[size_t(i) * w]);
        }
        run_layer(n.decode, edge.data(), c, end.data());
        run_layer(n.decode_bodies, hidden.data(), o, told.data());
        for (int k = 0; k < c; k++)
            for (int j = 0; j < w; j++) end[size_t(k) * w + j] += told[size_t(rows[k].a) * w + j] + told[size_t(rows[k].b) * w + j];
        hard_swish(end.data(), wide);
        run_layer(n.out, end.data(), c, out.data());
    }

    static void hear(int w, const float* from, const float* mine, const float* other, int shared, float* heard) {
        const float share = 1.f / float(shared);
        for (int j = 0; j < w; j++) {
            const float x = from[j] + mine[j] + other[j];
            heard[j] += share * x * (std::min(std::max(x + 3, 0.f), 6.f) / 6);
        }
    }
};
