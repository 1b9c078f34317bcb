// Compiled once per instruction set with SPLATS_ISA set to its name. Includes no C++ standard library: its inline
// functions, compiled for a newer processor, could be chosen by the linker for everybody.
#include "kernel_table.h"
#include "simd.h"

#include "harmonics.inl"
#include "projection.inl"
#include "blend.inl"
#include "blend_backward.inl"
#include "loss.inl"
#include "adam.inl"

namespace splats::SPLATS_ISA {

extern const Kernels table;
const Kernels table = {project,    project_backward, blend_tile,        backward_tile, accumulate_tile, dominant_tile,
                       count_tile, loss_band, adam_range, W};

}  // namespace splats::SPLATS_ISA
