// Everything that takes time, compiled once for each instruction set: SPLATWM_ISA names the namespace.
#include "kernel_table.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>
#include <vector>

namespace splatwm {
namespace SPLATWM_ISA {
namespace {

#include "memory.inl"
#include "narrow.inl"
#include "manifold.inl"
#include "detect.inl"
#include "lanes.inl"
#include "dual.inl"
#include "spring.inl"
#include "solver.inl"
#include "problem.inl"
#include "adjoint.inl"
#include "network.inl"
#include "tape.inl"
#include "world.inl"
#include "rollout.inl"
#include "backward.inl"

}  // namespace

extern const Kernels table;
const Kernels table{find_contacts, looks, solve<float>, solve<double>, solve_adjoint<float>, solve_adjoint<double>, distances, roll_out,
                    roll_out_gradient};

}  // namespace SPLATWM_ISA
}  // namespace splatwm
