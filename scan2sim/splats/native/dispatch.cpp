#include "dispatch.h"

#include <omp.h>

#include <atomic>
#include <stdexcept>

namespace splats {

namespace portable {
extern const Kernels table;
}
#if defined(SPLATS_X86)
namespace avx2 {
extern const Kernels table;
}
namespace avx512 {
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
#if defined(SPLATS_X86)
        __builtin_cpu_init();
        const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        if (avx2) list.push_back({"avx2", &avx2::table});
        if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
            list.push_back({"avx512", &avx512::table});
#endif
        return list;
    }();
    return found;
}

std::atomic<const Isa*>& chosen() {
    static std::atomic<const Isa*> value{&isas().back()};
    return value;
}

std::atomic<int>& thread_count() {
    static std::atomic<int> value{omp_get_max_threads()};
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
    std::string known;
    for (const Isa& one : isas()) known += std::string(known.empty() ? "" : ", ") + one.name;
    throw std::invalid_argument("instruction set '" + name + "': this processor runs " + known);
}

const Kernels& kernels() { return *chosen().load()->table; }

int threads() { return thread_count(); }

void set_threads(int count) {
    if (count < 1 || count > 1024) throw std::invalid_argument("threads: expected 1..1024");
    thread_count() = count;
}

}  // namespace splats
