// The contact solver: block Gauss–Seidel over contacts, first for the velocities at the end of a step, then for the
// mean velocities that move the bodies through it. The same maths in torch: splatwm/model/torch_solver.py.
//
// What a contact's spring asks for stands in spring.inl. Friction: a row of mobility W and radius mu is solved as
// u = -(s / mu^2) lambda with s = |mu u| / lambda_n, which at its fixed point is Coulomb's law on the elliptic cone that
// sliding, torsion and rolling share.

template <class T>
struct Moving {  // a body in the solver; velocities stand so that four numbers from each on are its own
    Vec<T> v;
    T inverse_mass{};
    Vec<T> w;
    T unused{};
    Mat<T> inverse_inertia;  // scene axes
    static constexpr size_t SPIN = 4;  // where w begins

    T* numbers() { return reinterpret_cast<T*>(this); }
    const T* numbers() const { return reinterpret_cast<const T*>(this); }
};

// Arrays of eight are Six: one number a row, the normal first, then two of sliding, torsion, two of rolling.
template <class T>
struct Row {  // a contact in the solver
    int a, b;
    Mat<T> frame;  // rows: normal, two tangents
    Vec<T> arm_a, arm_b;
    T gap, friction[3], restitution;
    T bias[3]{}, position_bias{};  // added to the targets of sliding velocity and displacement [m/s]
    T impulse[8]{};                // normal, two sliding [N s], torsion, two rolling [N m s]
    T mobility[6][8];
    T by_v[3][8], by_wa[3][8], by_wb[3][8];  // relative velocities per component of v of b, of w of a (negative) and of b
    T axes[3][4], turn_a[6][4], turn_b[6][4];  // rows of the frame; spin of a and b per impulse
    T inverse_mass;  // of both
    T before, alone;  // normal velocities: at the start, and at the end without this contact
    T target[8]{}, softness, friction_softness, position_target, push;
    T diagonal[8], squares[8], radii[8], yields[8];  // of the mobility; of frictions, and 1 / them; velocity that an impulse gives way by
    int parts;  // of its spring
    bool follows;  // the displacement is what the velocity at the end says
    bool acts, bounces, asks, pushes;  // it may push in this step; its spring, or anything, asks something of the displacement
};

template <class T>
struct Relative {
    T u[8];
};

template <class T>
Six<T> relative_six(const Row<T>& c, const Moving<T>& a, const Moving<T>& b) {
    const Six<T> v = six(c.by_v[0]) * (b.v.x - a.v.x) + six(c.by_v[1]) * (b.v.y - a.v.y) + six(c.by_v[2]) * (b.v.z - a.v.z);
    const Six<T> w = six(c.by_wb[0]) * b.w.x + six(c.by_wb[1]) * b.w.y + six(c.by_wb[2]) * b.w.z;
    return v + w - (six(c.by_wa[0]) * a.w.x + six(c.by_wa[1]) * a.w.y + six(c.by_wa[2]) * a.w.z);
}

template <class T>
Relative<T> relative(const Row<T>& c, const Moving<T>& a, const Moving<T>& b) {
    Relative<T> out;
    store_six<T>(relative_six(c, a, b), out.u);
    return out;
}

template <class T>
T normal_velocity(const Row<T>& c, const Moving<T>& a, const Moving<T>& b) {
    return dot(c.frame.r0, b.v + cross(b.w, c.arm_b) - a.v - cross(a.w, c.arm_a));
}

// An impulse on one of both bodies: `force` in scene axes.
template <class T>
void apply_to(Moving<T>& m, const Four<T>& force, const Six<T>& impulse, const T (*turn)[4], T sign) {
    T* p = m.numbers();
    Four<T> spin = four(turn[0]) * impulse[0];
    for (int j = 1; j < 6; j++) spin += four(turn[j]) * impulse[j];
    store_four<T>(four(p) + force * (sign * m.inverse_mass), p);
    store_four<T>(four(p + Moving<T>::SPIN) + spin * sign, p + Moving<T>::SPIN);
}

template <class T>
void apply(const Row<T>& c, const Six<T>& impulse, Moving<T>& a, Moving<T>& b) {
    const Four<T> force = four(c.axes[0]) * impulse[0] + four(c.axes[1]) * impulse[1] + four(c.axes[2]) * impulse[2];
    if (a.inverse_mass > 0) apply_to(a, force, impulse, c.turn_a, T(-1));
    if (b.inverse_mass > 0) apply_to(b, force, impulse, c.turn_b, T(1));
}

// An impulse along the normal alone.
template <class T>
void apply_normal(const Row<T>& c, T impulse, Moving<T>& a, Moving<T>& b) {
    auto to = [&](Moving<T>& m, const T* turn, T size) {
        T* p = m.numbers();
        store_four<T>(four(p) + four(c.axes[0]) * (size * m.inverse_mass), p);
        store_four<T>(four(p + Moving<T>::SPIN) + four(turn) * size, p + Moving<T>::SPIN);
    };
    if (a.inverse_mass > 0) to(a, c.turn_a[0], -impulse);
    if (b.inverse_mass > 0) to(b, c.turn_b[0], impulse);
}

// What relative velocities are of both bodies' velocities: J.
template <class T>
void fill_relative(Row<T>& c) {
    const Vec<T>&n = c.frame.r0, &s = c.frame.r1, &t = c.frame.r2;
    const Six<T> x{n.x, s.x, t.x}, y{n.y, s.y, t.y}, z{n.z, s.z, t.z};
    const Six<T> turns[3] = {{0, 0, 0, n.x, s.x, t.x}, {0, 0, 0, n.y, s.y, t.y}, {0, 0, 0, n.z, s.z, t.z}};
    store_six<T>(x, c.by_v[0]), store_six<T>(y, c.by_v[1]), store_six<T>(z, c.by_v[2]);
    auto levers = [&](const Vec<T>& arm, T (*to)[8]) {
        store_six<T>(z * arm.y - y * arm.z + turns[0], to[0]);
        store_six<T>(x * arm.z - z * arm.x + turns[1], to[1]);
        store_six<T>(y * arm.x - x * arm.y + turns[2], to[2]);
    };
    levers(c.arm_a, c.by_wa), levers(c.arm_b, c.by_wb);
}

// What an impulse along each row does to velocities, and to the relative one: J M^-1 J^T. After `fill_relative`.
template <class T>
void fill_mobility(Row<T>& c, const Moving<T>& a, const Moving<T>& b) {
    const T inverse_mass = a.inverse_mass + b.inverse_mass;
    store_four<T>(four_of(c.frame.r0), c.axes[0]), store_four<T>(four_of(c.frame.r1), c.axes[1]), store_four<T>(four_of(c.frame.r2), c.axes[2]);
    Six<T> mobility[6]{};
    for (int j = 0; j < 3; j++) mobility[j][j] = inverse_mass;
    auto add = [&](const Moving<T>& m, const T (*levers)[8], T (*turn)[4]) {
        if (!(m.inverse_mass > 0)) return;
        const Mat<T>& i = m.inverse_inertia;
        const Four<T> x = four_of(i.r0), y = four_of(i.r1), z = four_of(i.r2);  // it is symmetric
        for (int j = 0; j < 6; j++) {
            const Four<T> spin = x * levers[0][j] + y * levers[1][j] + z * levers[2][j];
            store_four<T>(spin, turn[j]);
            mobility[j] += six(levers[0]) * spin[0] + six(levers[1]) * spin[1] + six(levers[2]) * spin[2];
        }
    };
    add(a, c.by_wa, c.turn_a), add(b, c.by_wb, c.turn_b);
    for (int j = 0; j < 6; j++) store_six<T>(mobility[j], c.mobility[j]);
}

// What a visit needs of frictions, and the targets of the normal among those of the others.
template <class T>
void fill_friction(Row<T>& c) {
    const Six<T> mu{0, c.friction[0], c.friction[0], c.friction[1], c.friction[2], c.friction[2]}, squares = mu * mu;
    const Six<T> least = Six<T>{} + T(1e-12), bounded = squares > least ? squares : least;
    Six<T> radii = T(1) / bounded, yields = radii * c.friction_softness;
    radii[0] = radii[6] = radii[7] = 0, yields[0] = c.softness, yields[6] = yields[7] = 0;
    store_six<T>(squares, c.squares), store_six<T>(radii, c.radii), store_six<T>(yields, c.yields);
    store_six<T>(Six<T>{1, c.mobility[1][1], c.mobility[2][2], c.mobility[3][3], c.mobility[4][4], c.mobility[5][5], 1, 1}, c.diagonal);
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
        c.target[0] = -c.restitution * normal + c.bias[0];
        c.position_target = -std::max(c.gap, T(0)) / h;
    } else {
        const Linear<T> spring = linearized(c.gap, c.before, alone, c.mobility[0][0], c.inverse_mass, c.parts, s);
        c.acts = spring.presses || c.parts > 1;
        c.asks = c.pushes = c.parts > 1 && c.gap > 0;
        c.softness = spring.softness, c.target[0] = spring.velocity + c.bias[0];
        c.position_target = c.pushes ? spring.position : 0;
        c.friction_softness = s.creep * c.friction[0] * c.friction[0] * spring.resistance * s.yields;
    }
    const T lasts = s.creep * s.lasts;
    for (int j = 1; j < 6; j++) c.target[j] = lasts * before[j];
    for (int j = 1; j < 3; j++) c.target[j] += c.bias[j];
    c.position_target += c.position_bias;
    fill_friction(c);
}

// What impulses along the rows do to the relative velocity.
template <class T>
Six<T> moved_by(const Row<T>& c, const Six<T>& impulse) {
    Six<T> u = six(c.mobility[0]) * impulse[0];
    for (int j = 1; j < 6; j++) u += six(c.mobility[j]) * impulse[j];
    return u;
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
    Press<T> p{s.convex && f[0] > T(1e-9), c.target[0] - u[0] - c.softness * f[0], c.mobility[0][0] + c.softness, {1}, {}};
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
    const Six<T> old = six(c.impulse), target = six(c.target), yields = six(c.yields);
    Six<T> u = relative_six(c, a, b), f{};
    T pressed = 0;
    if (c.acts) {
        const Six<T> left = target - u - yields * old;
        if (s.convex && old[0] > T(1e-9)) {  // see press(): the whole impulse is scaled
            const Six<T> direction = old * (1 / old[0]), yielding = moved_by(c, direction);
            const T lack = sum_of<T>(direction * left), resist = sum_of<T>(direction * (yielding + direction * yields));
            pressed = std::max(T(0), old[0] + lack / resist);
            f = direction * pressed, u += yielding * (pressed - old[0]);
        } else {
            pressed = std::max(T(0), old[0] + left[0] / (c.mobility[0][0] + c.softness));
            f = old, u += six(c.mobility[0]) * (pressed - old[0]);
        }
    }
    if (pressed > 0) {
        const Six<T> slide = u - target, radii = six(c.radii);
        const T slides = std::sqrt(sum_of<T>(six(c.squares) * slide * slide)) / pressed;
        const T slip = s.convex ? std::max(slides, c.friction_softness) : slides + c.friction_softness;
        const Six<T> resist = radii * slip, share = T(1) / (six(c.diagonal) + resist);
        Six<T> lacks = (slide + resist * f) * share;  // row after row: each changes what those after it lack
        Six<T> steps{};
        for (int j = 1; j < 6; j++) {
            const T step = -lacks[j];
            steps[j] = step, lacks += six(c.mobility[j]) * share * step;
        }
        f += steps;
        const T size = sum_of<T>(f * f * radii);
        if (size > pressed * pressed) f *= pressed / std::sqrt(size);
        f[0] = pressed;
    } else {
        f = Six<T>{};
    }
    const Six<T> change = f - old;
    store_six<T>(f, c.impulse);
    apply(c, change, a, b);
    return change[0] * change[0] + change[1] * change[1] + change[2] * change[2];
}

// Velocities at the end of the step. `bodies` hold the velocities of free motion; rows their last impulses. It ends when
// a sweep changes impulses by less than this share of them, or after the last sweep.
template <class T>
void solve_velocities(Array<Row<T>>& rows, Array<Moving<T>>& bodies, const Array<Relative<T>>& before,
                      T h, T tolerance, const Settings& s) {
    const Spring<T> spring(h, s);
    for (Row<T>& c : rows) apply(c, six(c.impulse), bodies[c.a], bodies[c.b]);
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
            apply_normal(c, push - c.push, a, b);
            c.push = push;
        }
}
