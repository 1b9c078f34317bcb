// The contact solver: block Gauss–Seidel over contacts, first for the velocities at the end of a step, then for the
// mean velocities that move the bodies through it. The same maths in torch: splatwm/model/torch_solver.py.
//
// A contact obeys MuJoCo's soft constraint a (1 - d) + d (a + b v + k d r) + d R f = 0 (r gap, d(r) impedance), here
// implicit over the step h. Friction: a row of mobility W and radius mu is solved as u = -(s / mu^2) lambda with
// s = |mu u| / lambda_n, which at its fixed point is Coulomb's law on the elliptic cone that sliding, torsion and
// rolling share.

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
    T target[6], linear_target, softness, friction_softness, position_target, push;
    bool springs, pushes;  // the spring acts from the start of the step; something is asked of the displacement
};

template <class T>
struct Spring {  // of all contacts, in a step
    T step, stiffness, damping, creep, impedance[3];
    Spring(T h, const Settings& s)
        : step(h), stiffness(s.stiffness), damping(s.damping), creep(s.friction_softness),
          impedance{T(s.impedance[0]), T(s.impedance[1]), T(s.impedance[2])} {}
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

template <class T>
struct Impedance {
    T value, slope;
};

// MuJoCo's impedance at a depth, with power 2 and midpoint 1/2.
template <class T>
Impedance<T> impedance_at(T depth, const Spring<T>& s) {
    const T x = depth / s.impedance[2], rise = s.impedance[1] - s.impedance[0];
    if (x <= 0) return {s.impedance[0], 0};
    if (x >= 1) return {s.impedance[1], 0};
    if (x <= T(0.5)) return {s.impedance[0] + 2 * x * x * rise, 4 * x * rise / s.impedance[2]};
    return {s.impedance[0] + (1 - 2 * (1 - x) * (1 - x)) * rise, 4 * (1 - x) * rise / s.impedance[2]};
}

// The spring's impulse at a normal velocity u is (target - u) / softness near u: a Newton step, for the impedance rises
// steeply with the depth at the end of the step.
template <class T>
void linearize(Row<T>& c, T u, const Spring<T>& s) {
    const T h = s.step, v = u - c.bias[0], depth = -(c.gap + h * v);
    const Impedance<T> d = impedance_at(depth, s);
    const T yield = 1 / ((1 - d.value) * c.inverse_mass), share = d.value * yield, k = h * s.stiffness * d.value;
    const T lack = c.target[0] - (1 + h * s.damping) * v + k * depth;
    const T slope = share * (1 + h * s.damping + h * k) +
                    h * d.slope * (std::max(T(0), lack) * yield / (1 - d.value) + share * h * s.stiffness * std::max(T(0), depth));
    c.softness = 1 / slope;
    c.linear_target = u + c.softness * share * lack;
    c.friction_softness = s.creep * c.friction[0] * c.friction[0] / (share * (1 + h * s.damping));
}

// Targets of a contact: `before` are relative velocities at the start of the step, `normal` the normal one that free
// motion and the last impulses would lead to. What is open and meets within the step springs for the rest of it.
template <class T>
void set_targets(Row<T>& c, const T* before, T normal, const Spring<T>& s) {
    constexpr T BOUNCES = T(0.05);  // [m/s] slower impacts do not bounce
    const T h = s.step;
    const bool open = c.gap > 0, meets = !open || -h * normal > c.gap;
    c.springs = !open, c.pushes = open, c.position_target = 0;
    c.target[0] = before[0];
    if (open) {
        const T rest = meets ? h + c.gap / normal : T(0);
        const T d = impedance_at(-(c.gap + h * normal), s).value;
        const T stiff = 1 + rest * s.damping + rest * rest * s.stiffness * d, resistance = (1 - d) / d * c.inverse_mass;
        c.softness = rest / h * resistance / stiff;
        c.linear_target = (meets ? normal / stiff : -c.gap / h) + c.bias[0];
        c.position_target = -c.gap / h + (meets ? rest / h * normal / stiff : T(0));
        c.friction_softness = s.creep * c.friction[0] * c.friction[0] * resistance / (1 + h * s.damping);
    }
    if (c.restitution > 0 && meets && normal < -BOUNCES) {
        c.springs = false, c.pushes = true, c.softness = c.friction_softness = 0;
        c.linear_target = -c.restitution * normal + c.bias[0];
        c.position_target = -std::max(c.gap, T(0)) / h;
    }
    for (int j = 1; j < 6; j++) c.target[j] = s.creep * before[j] / (1 + h * s.damping);
    for (int j = 1; j < 3; j++) c.target[j] += c.bias[j];
    c.position_target += c.position_bias;
}

// One contact's impulse, given all others.
template <class T>
void relax(Row<T>& c, Moving<T>& a, Moving<T>& b, const Spring<T>& s) {
    T u[6], change[6], old[6];
    const Relative<T> now = relative(c, a, b);
    for (int j = 0; j < 6; j++) u[j] = now.u[j], old[j] = c.impulse[j];
    T* f = c.impulse;
    if (c.springs) linearize(c, u[0], s);
    f[0] = std::max(T(0), f[0] - (u[0] - c.linear_target + c.softness * f[0]) / (c.mobility[0][0] + c.softness));
    const T pressed = f[0] - old[0];
    if (f[0] > 0) {
        for (int j = 0; j < 6; j++) u[j] += c.mobility[0][j] * pressed;
        T speed = 0;
        const T mu[6] = {0, c.friction[0], c.friction[0], c.friction[1], c.friction[2], c.friction[2]};
        for (int j = 1; j < 6; j++) speed += mu[j] * mu[j] * (u[j] - c.target[j]) * (u[j] - c.target[j]);
        const T slip = std::sqrt(speed) / f[0] + c.friction_softness;
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
}

// Velocities at the end of the step. `bodies` hold the velocities of free motion; rows their last impulses.
template <class T>
void solve_velocities(Array<Row<T>>& rows, Array<Moving<T>>& bodies, const Array<Relative<T>>& before,
                      T h, const Settings& s) {
    const Spring<T> spring(h, s);
    for (Row<T>& c : rows) apply(c, c.impulse, bodies[c.a], bodies[c.b]);
    for (size_t i = 0; i < rows.size(); i++) {
        Row<T>& c = rows[i];
        const Moving<T> &a = bodies[c.a], &b = bodies[c.b];
        c.inverse_mass = a.inverse_mass + b.inverse_mass;
        set_targets(c, before[i].u, normal_velocity(c, a, b), spring);
    }
    for (int sweep = 0; sweep < s.sweeps; sweep++) {
        if (sweep % 2 == 0)
            for (size_t i = 0; i < rows.size(); i++) relax(rows[i], bodies[rows[i].a], bodies[rows[i].b], spring);
        else
            for (size_t i = rows.size(); i-- > 0;) relax(rows[i], bodies[rows[i].a], bodies[rows[i].b], spring);
    }
}

// Mean velocities over the step: `bodies` hold what the mean would be without contacts; pushes only, along normals.
// A contact that presses ends as deep as its velocity at the end says, an open one does not close too far.
template <class T>
void solve_positions(Array<Row<T>>& rows, const Array<Moving<T>>& end, Array<Moving<T>>& bodies,
                     const Settings& s) {
    for (Row<T>& c : rows) {
        c.push = 0;
        if (!c.pushes && c.impulse[0] > 0) c.position_target += normal_velocity(c, end[c.a], end[c.b]), c.pushes = true;
    }
    for (int sweep = 0; sweep < s.position_sweeps; sweep++)
        for (size_t k = 0; k < rows.size(); k++) {
            Row<T>& c = rows[sweep % 2 == 0 ? k : rows.size() - 1 - k];
            if (!c.pushes) continue;
            Moving<T>&a = bodies[c.a], &b = bodies[c.b];
            const T push = std::max(T(0), c.push + (c.position_target - normal_velocity(c, a, b)) / c.mobility[0][0]);
            const T change[6] = {push - c.push};
            apply(c, change, a, b);
            c.push = push;
        }
}
