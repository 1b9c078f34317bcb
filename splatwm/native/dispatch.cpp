#include "dispatch.h"

#include <atomic>
#include <stdexcept>

namespace splatwm {

namespace portable {
extern const Kernels table;
}
#if defined(SPLATWM_X86)
namespace avx2 {
extern const Kernels table;
}
#endif

namespace {

struct Isa {
    const char* name;
    const Kernels* table;
};

const std::vector<Isa>& isas() {
    static const std::vector<Isa> found = [] {
        std::vector<Isa> list{{"portable", &portable::table}};
#if defined(SPLATWM_X86)
        __builtin_cpu_init();
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) list.push_back({"avx2", &avx2::table});
#endif
        return list;
    }();
    return found;
}

std::atomic<const Isa*>& chosen() {
    static std::atomic<const Isa*> value{&isas().back()};
    return value;
}

}  // namespace

std::vector<std::string> available_isas() {
    std::vector<std::string> names;
    for (const Isa& one : isas()) names.emplace_back(one.name);
    return names;
}

std::string isa() { return chosen().load()->name; }

void set_isa(const std::string& name) {
    for (const Isa& one : isas())
        if (name == one.name) {
            chosen() = &one;
            return;
        }
    throw std::invalid_argument("instruction set '" + name + "' is not one that this processor runs");
}

const Kernels& kernels() { return *chosen().load()->table; }

}  // namespace splatwm
