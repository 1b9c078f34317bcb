// What each instruction set offers.
#pragma once
#include "network.h"
#include "types.h"

namespace splatwm {

// Contacts of a batch as a solver gets them; C contacts, all arrays with C rows.
template <class T>
struct SolveInputs {
    int bodies, contacts;
    const T *before, *free;          // (O, 6) velocities at the start, and at the end if there were no contacts
    const T *inverse_mass;           // (O)
    const T *inverse_inertia;        // (O, 9) scene axes
    const int32_t *a, *b;
    const T *frame, *arm_a, *arm_b;  // (C, 9), (C, 3), (C, 3)
    const T *gap, *friction, *restitution;  // (C), (C, 3), (C)
    const T *velocity_bias, *position_bias;  // (C, 3), (C)
    const T *warm;                   // (C, 6)
    T step;
};

template <class T>
struct SolveOutputs {
    T *impulse;      // (C, 6)
    T *after, *mean;  // (O, 6) velocities at the end, and the mean ones that move the bodies
};

// Gradients of a loss: of the outputs, and where those of the inputs are written; the same shapes.
template <class T>
struct SolveGradients {
    const T *impulse, *after, *mean;
    T *before, *free, *gap, *friction, *velocity_bias, *position_bias, *warm;
};

// Environments of a rollout one after another; bodies (B, O, ...), kinematic bodies follow `links`.
struct Rollout {
    int environments, steps, links;
    float dt;
    const int32_t* link_bodies;                     // (L)
    const float *link_position, *link_wxyz;         // (B, T, L, 3), (B, T, L, 4): where they are after each step
    float *position, *wxyz, *impulse;               // (B, T, O, 3 | 4 | 3)
    int threads;
    const Network* network;                         // may be missing
};

// Gradients of a loss by where a rollout's bodies are after each step, and where those by its inputs are written.
struct RolloutGradient {
    const float *by_position, *by_wxyz;         // (B, T, O, 3 | 4)
    float *position, *wxyz, *linear, *angular;  // (B, O, 3 | 4 | 3 | 3) at the start
    float *friction, *link_position;            // (B, O), (B, T, L, 3)
};

using TakeContact = void (*)(void* to, const Contact&);

struct Kernels {
    void (*find_contacts)(const Bodies&, const Settings&, float dt, TakeContact take, void* to);
    int (*looks)(const Bodies&, const Settings&, float dt);  // how often a step of a rollout finds contacts
    void (*solve_float)(const SolveInputs<float>&, const SolveOutputs<float>&, const Settings&);
    void (*solve_double)(const SolveInputs<double>&, const SolveOutputs<double>&, const Settings&);
    void (*solve_adjoint_float)(const SolveInputs<float>&, const SolveGradients<float>&, const Settings&);
    void (*solve_adjoint_double)(const SolveInputs<double>&, const SolveGradients<double>&, const Settings&);
    // signed, of points (N, 3); `dot` is a shape of one vertex at the origin
    void (*distances)(const Shape&, const Shape& dot, const float* points, int count, float* out);
    void (*roll_out)(const Bodies*, const Rollout&, const Settings&);
    void (*roll_out_gradient)(const Bodies*, const Rollout&, const RolloutGradient&, const Settings&);  // without a network
};

}  // namespace splatwm
