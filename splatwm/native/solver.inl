// The contact solver: block Gauss–Seidel over contacts, first for the velocities at the end of a step, then for the
// mean velocities that move the bodies through it. The same maths in torch: splatwm/model/torch_solver.py.
//
// What a contact's spring asks for stands in spring.inl. Friction: a row of mobility W and radius mu is solved as
// u = -(s / mu^2) lambda with s = |mu u| / lambda_n, which at its fixed point is Coulomb's law on the elliptic cone that
// sliding, torsion and rolling share.

template <class T>
struct Moving {  // a body in the solver
    Vec<T> v, w;
    T inverse_mass;
    Mat<T> inverse_inertia;  // scene axes
};

template <class T>
struct Row {  // a contact in the solver
    int a, b;
    Mat<T> frame;  // rows: normal, two tangents
    Vec<T> arm_a, arm_b;
    T gap, friction[3], restitution;
    T bias[3]{}, position_bias{};  // added to the targets of sliding velocity and displacement [m/s]
    T impulse[6]{};                // normal, two sliding [N s], torsion, two rolling [N m s]
    T mobility[6][6];
    T inverse_mass;  // of both
    T before, alone;  // normal velocities: at the start, and at the end without this contact
    T target[6], linear_target, softness, friction_softness, position_target, push;
    int parts;  // of its spring
    bool follows;  // the displacement is what the velocity at the end says
    bool acts, bounces, asks, pushes;  // it may push in this step; its spring, or anything, asks something of the displacement
};

template <class T>
struct Relative {
    T u[6];
};

template <class T>
Relative<T> relative(const Row<T>& c, const Moving<T>& a, const Moving<T>& b) {
    const Vec<T> v = b.v + cross(b.w, c.arm_b) - a.v - cross(a.w, c.arm_a), w = b.w - a.w;
    const Vec<T> u = c.frame * v, r = c.frame * w;
    return {{u.x, u.y, u.z, r.x, r.y, r.z}};
}

template <class T>
T normal_velocity(const Row<T>& c, const Moving<T>& a, const Moving<T>& b) {
    return dot(c.frame.r0, b.v + cross(b.w, c.arm_b) - a.v - cross(a.w, c.arm_a));
}

template <class T>
void apply(const Row<T>& c, const T* impulse, Moving<T>& a, Moving<T>& b) {
    const Vec<T> f = transposed_times(c.frame, Vec<T>(impulse)), t = transposed_times(c.frame, Vec<T>(impulse + 3));
    a.v -= f * a.inverse_mass, a.w -= a.inverse_inertia * (cross(c.arm_a, f) + t);
    b.v += f * b.inverse_mass, b.w += b.inverse_inertia * (cross(c.arm_b, f) + t);
}

// What an impulse along each row does to the relative velocity: J M^-1 J^T.
template <class T>
void fill_mobility(Row<T>& c, const Moving<T>& a, const Moving<T>& b) {
    const T inverse_mass = a.inverse_mass + b.inverse_mass;
    const Vec<T> axes[3] = {c.frame.r0, c.frame.r1, c.frame.r2};
    Vec<T> turn_a[6], turn_b[6];  // angular velocity per impulse
    Vec<T> lever_a[6], lever_b[6];
    for (int i = 0; i < 3; i++) {
        lever_a[i] = cross(c.arm_a, axes[i]), lever_b[i] = cross(c.arm_b, axes[i]);
        lever_a[i + 3] = lever_b[i + 3] = axes[i];
    }
    for (int i = 0; i < 6; i++) turn_a[i] = a.inverse_inertia * lever_a[i], turn_b[i] = b.inverse_inertia * lever_b[i];
    for (int i = 0; i < 6; i++)
        for (int j = i; j < 6; j++)
            c.mobility[i][j] = c.mobility[j][i] =
                (i == j && i < 3 ? inverse_mass : 0) + dot(lever_a[i], turn_a[j]) + dot(lever_b[i], turn_b[j]);
}

// Targets of a contact: `before` are relative velocities at the start of the step, `normal` the normal one that free
// motion and the last impulses would lead to. Displacements are asked for where they are not just what velocities at the
// end make of them: of springs of several parts, and of what would go through.
template <class T>
void set_targets(Row<T>& c, const T* before, T normal, const Spring<T>& s) {
    constexpr T BOUNCES = T(0.05);  // [m/s] slower impacts do not bounce
    const T h = s.step, alone = normal - c.mobility[0][0] * c.impulse[0] - c.bias[0];
    c.before = before[0], c.alone = alone;
    c.parts = s.parts_at(alone);
    c.bounces = c.restitution > 0 && normal < -BOUNCES && -h * normal > c.gap;
    if (c.bounces) {
        c.acts = c.pushes = true, c.softness = c.friction_softness = 0;
        c.linear_target = -c.restitution * normal + c.bias[0];
        c.position_target = -std::max(c.gap, T(0)) / h;
    } else {
        const Linear<T> spring = linearized(c.gap, c.before, alone, c.mobility[0][0], c.inverse_mass, c.parts, s);
        c.acts = spring.presses || c.parts > 1;
        c.asks = c.pushes = c.parts > 1 && c.gap > 0;
        c.softness = spring.softness, c.linear_target = spring.velocity + c.bias[0];
        c.position_target = c.pushes ? spring.position : 0;
        c.friction_softness = s.creep * c.friction[0] * c.friction[0] * spring.resistance * s.yields;
    }
    const T lasts = s.creep * s.lasts;
    for (int j = 1; j < 6; j++) c.target[j] = lasts * before[j];
    for (int j = 1; j < 3; j++) c.target[j] += c.bias[j];
    c.position_target += c.position_bias;
}

// Where the normal impulse alone, or all of it in its present direction, is what the contact asks for.
template <class T>
struct Press {
    bool along;  // the whole impulse is scaled
    T lack, resist, direction[6], left[6];  // left: what friction lacks along each row
};

// Coulomb's law asks for the normal velocity alone. In MuJoCo's convex cone what slips is lifted by friction times the slip,
// which is so where the impulse is right along its own direction.
template <class T>
Press<T> press(const Row<T>& c, const T* u, const T* mu, const Spring<T>& s) {
    const T* f = c.impulse;
    Press<T> p{s.convex && f[0] > T(1e-9), c.linear_target - u[0] - c.softness * f[0], c.mobility[0][0] + c.softness, {1}, {}};
    if (!p.along) return p;
    p.resist = c.softness;
    for (int j = 1; j < 6; j++) {
        const T yields = c.friction_softness / std::max(mu[j] * mu[j], T(1e-12));
        p.direction[j] = f[j] / f[0];
        p.left[j] = c.target[j] - u[j] - yields * f[j];
        p.lack += p.direction[j] * p.left[j], p.resist += p.direction[j] * p.direction[j] * yields;
    }
    for (int i = 0; i < 6; i++) {
        T row = 0;
        for (int j = 0; j < 6; j++) row += c.mobility[i][j] * p.direction[j];
        p.resist += p.direction[i] * row;
    }
    return p;
}

// One contact's impulse, given all others; returns the square of how much it changes along normal and tangents.
template <class T>
T relax(Row<T>& c, Moving<T>& a, Moving<T>& b, const Spring<T>& s) {
    if (!c.acts && std::all_of(c.impulse, c.impulse + 6, [](T f) { return f == 0; })) return 0;
    T u[6], change[6], old[6];
    const Relative<T> now = relative(c, a, b);
    for (int j = 0; j < 6; j++) u[j] = now.u[j], old[j] = c.impulse[j];
    T* f = c.impulse;
    const T mu[6] = {0, c.friction[0], c.friction[0], c.friction[1], c.friction[2], c.friction[2]};
    T pressed = 0;
    if (c.acts) {
        const Press<T> p = press(c, u, mu, s);
        pressed = std::max(T(0), f[0] + p.lack / p.resist);
        for (int j = 1; j < 6 && p.along; j++) f[j] = p.direction[j] * pressed;
    }
    f[0] = pressed;
    if (pressed > 0) {
        for (int j = 0; j < 6; j++) {
            const T more = f[j] - old[j];
            for (int i = 1; i < 6; i++) u[i] += c.mobility[j][i] * more;
        }
        T speed = 0;
        for (int j = 1; j < 6; j++) speed += mu[j] * mu[j] * (u[j] - c.target[j]) * (u[j] - c.target[j]);
        const T slides = std::sqrt(speed) / f[0];
        const T slip = s.convex ? std::max(slides, c.friction_softness) : slides + c.friction_softness;
        T size = 0;
        for (int j = 1; j < 6; j++) {
            const T radius = std::max(mu[j], T(1e-6)), resist = slip / (radius * radius);
            const T step = -(u[j] - c.target[j] + resist * f[j]) / (c.mobility[j][j] + resist);
            f[j] += step;
            for (int i = 1; i < 6; i++) u[i] += c.mobility[j][i] * step;
            size += f[j] * f[j] / (radius * radius);
        }
        if (size > f[0] * f[0]) {
            const T scale = f[0] / std::sqrt(size);
            for (int j = 1; j < 6; j++) f[j] *= scale;
        }
    } else {
        for (int j = 1; j < 6; j++) f[j] = 0;
    }
    for (int j = 0; j < 6; j++) change[j] = f[j] - old[j];
    apply(c, change, a, b);
    return change[0] * change[0] + change[1] * change[1] + change[2] * change[2];
}

// Velocities at the end of the step. `bodies` hold the velocities of free motion; rows their last impulses. It ends when
// a sweep changes impulses by less than this share of them, or after the last sweep.
template <class T>
void solve_velocities(Array<Row<T>>& rows, Array<Moving<T>>& bodies, const Array<Relative<T>>& before,
                      T h, T tolerance, const Settings& s) {
    const Spring<T> spring(h, s);
    for (Row<T>& c : rows) apply(c, c.impulse, bodies[c.a], bodies[c.b]);
    for (size_t i = 0; i < rows.size(); i++) {
        Row<T>& c = rows[i];
        const Moving<T> &a = bodies[c.a], &b = bodies[c.b];
        c.inverse_mass = a.inverse_mass + b.inverse_mass;
        set_targets(c, before[i].u, normal_velocity(c, a, b), spring);
    }
    for (int sweep = 0; sweep < s.sweeps; sweep++) {
        T changed = 0, all = 0;
        for (size_t k = 0; k < rows.size(); k++) {
            Row<T>& c = rows[sweep % 2 == 0 ? k : rows.size() - 1 - k];
            changed += relax(c, bodies[c.a], bodies[c.b], spring);
            all += c.impulse[0] * c.impulse[0];
        }
        if (tolerance > 0 && changed < tolerance * tolerance * all) break;
    }
}

template <class T>
void begin_push(Row<T>& c, const Moving<T>& end_a, const Moving<T>& end_b) {
    c.push = 0;
    c.follows = !c.pushes && c.impulse[0] > 0;
    if (c.follows) c.position_target += normal_velocity(c, end_a, end_b), c.pushes = true;
}

// Mean velocities over the step: `bodies` hold what the mean would be without contacts; pushes act along normals.
// A contact that presses moves as its velocity at the end says, neither more nor less, which damps all trembling; an open
// one is only kept from closing too far.
template <class T>
void solve_positions(Array<Row<T>>& rows, const Array<Moving<T>>& end, Array<Moving<T>>& bodies,
                     const Settings& s) {
    bool asked = false;  // springs of one part move things as their velocities at the end say
    for (const Row<T>& c : rows) asked |= c.pushes || c.parts > 1 || c.position_bias != 0;
    if (!asked) return;
    for (Row<T>& c : rows) begin_push(c, end[c.a], end[c.b]);
    for (int sweep = 0; sweep < s.position_sweeps; sweep++)
        for (size_t k = 0; k < rows.size(); k++) {
            Row<T>& c = rows[sweep % 2 == 0 ? k : rows.size() - 1 - k];
            if (!c.pushes) continue;
            Moving<T>&a = bodies[c.a], &b = bodies[c.b];
            T push = c.push + (c.position_target - normal_velocity(c, a, b)) / c.mobility[0][0];
            if (!c.follows) push = std::max(T(0), push);
            const T change[6] = {push - c.push};
            apply(c, change, a, b);
            c.push = push;
        }
}
