// What crosses between the Python module and the kernels: shapes, bodies of one environment, contacts, settings.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "vec.h"

namespace splatwm {

constexpr int LANES = 8;  // vertices and planes of a piece are padded to a multiple of it

// A convex polyhedron, rounded by a radius: a sphere is one vertex, a capsule two.
struct Piece {
    int vertex, vertices;  // first and padded count in the arrays of the shape
    int plane, planes;
    Vec3 low, high, center;  // box and middle of the vertices, without the radius
    float radius;
};

// The pieces of one body, in its frame; vertices and planes as one array per component.
struct Shape {
    std::vector<Piece> pieces;
    std::vector<float> vx, vy, vz;
    std::vector<float> px, py, pz, pd;  // p . x <= pd inside
    Vec3 low{1, 1, 1}, high{-1, -1, -1};  // box with the radius
};

struct Settings {
    float gravity[3] = {0, 0, -9.81f};
    float margin = 0.001f;         // [m] gaps below it are contacts, whatever the speeds
    float stiffness = 0, damping = 0;  // of a contact: k [1/s^2] and b [1/s] of r'' = - b r' - d k r
    float impedance[3] = {0.01f, 0.95f, 0.0005f};  // d without and with penetration, and the depth of the rise [m]
    float torsion = 0.005f, rolling = 0.0005f;  // [m]
    float friction_softness = 1;   // 1: friction creeps as MuJoCo's does; 0: it holds
    float slip_friction = 0;       // [s/m] share by which friction grows with the speed of sliding
    float impact_friction = 0;     // [s/m] by which it falls with the normal speed, as 1 / (1 + that)
    float timestep = 1 / 480.f;    // [s] of the semi-implicit simulator that is to be met: parts in which springs are integrated
    int convex = 0;                // 1: MuJoCo's cone, which lifts what slips; 0: Coulomb's
    float sleep_linear = 0.003f, sleep_angular = 0.05f, sleep_after = 0.2f;  // [m/s], [rad/s], [s]; after 0: never
    float sleep_drift = 0.001f;  // [m] within which trembling is rest, too
    float turn = 0.1f;  // [rad] that nothing turns by before contacts are found again
    float tolerance = 1e-3f;  // change of impulses in a sweep after which a rollout goes on
    int substeps = 4, sweeps = 8, position_sweeps = 2;
    int contacts_per_pair = 16;

    // Substeps of a step: none is shorter than those of the simulator that is to be met.
    int cuts(float dt) const {
        const float most = std::ceil(dt / timestep - 0.01f);
        return most < 1 ? 1 : most < float(substeps) ? int(most) : substeps;
    }
};

// One environment: rows of the state's arrays.
struct Bodies {
    int count = 0;
    const Shape* const* shape = nullptr;  // null: nothing in this row
    const float *mass = nullptr, *inertia = nullptr, *center = nullptr, *friction = nullptr, *restitution = nullptr;
    const int32_t* priority = nullptr;
    const uint8_t* kinematic = nullptr;
    const float* latent = nullptr;  // (O, latents)
    int latents = 0;
    float *position = nullptr, *wxyz = nullptr, *linear = nullptr, *angular = nullptr, *still = nullptr;
};

// A place where two bodies touch or may touch within the step. The normal points from a to b and turns with a.
struct Contact {
    int a, b;
    Vec3 on_a, on_b, normal;  // places and direction in the frames of a, b and a, relative to the centres of mass
    float offset;             // roundings of both pieces: gap = normal . (b - a) - offset
    float round_b;            // share of b in it
    float gap;                // when it was found [m]
    float friction, restitution;
    uint64_t key;             // of the pieces and features that meet
    Vec3 impulse, twist;      // on b [N s], [N m s], scene axes: what the last step needed
    int from;                 // the contact of the last step that they are of; -1: none
};

}  // namespace splatwm
