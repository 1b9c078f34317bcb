// Which instruction set the kernels use.
#pragma once
#include <string>
#include <vector>

#include "kernel_table.h"

namespace splatwm {

std::vector<std::string> available_isas();  // that this processor can run, slowest first
std::string isa();
void set_isa(const std::string& name);  // throws std::invalid_argument
const Kernels& kernels();

}  // namespace splatwm
