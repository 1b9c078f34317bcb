// Which instruction set and how many threads the kernels use.
#pragma once
#include <string>
#include <vector>

#include "kernel_table.h"

namespace splats {

// Names of the instruction sets that this processor can run, slowest first: "portable", "avx2", "avx512".
std::vector<std::string> available_isas();
std::string isa();
void set_isa(const std::string& name);  // throws std::invalid_argument
const Kernels& kernels();

int threads();
void set_threads(int count);  // throws std::invalid_argument

}  // namespace splats
