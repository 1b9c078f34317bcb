// Adam (Kingma & Ba 2015) on a range of numbers.

namespace splats::SPLATS_ISA {

static inline void adam_lanes(float* value, const float* gradient, float* first, float* second, const AdamRates& rates) {
    const F g = load(gradient);
    const F m = fma(set1(1.0f - rates.beta1), g - load(first), load(first));
    const F v = fma(set1(1.0f - rates.beta2), g * g - load(second), load(second));
    store(first, m);
    store(second, v);
    const F root = sqrt(v * set1(rates.second_scale)) + set1(rates.epsilon);
    store(value, load(value) - set1(rates.first_scale) * m / root);
}

static void adam_range(float* values, const float* gradients, float* first, float* second, int64_t count,
                       const AdamRates& rates) {
    int64_t i = 0;
    for (; i + W <= count; i += W) adam_lanes(values + i, gradients + i, first + i, second + i, rates);
    if (i == count) return;
    const auto rest = static_cast<uint64_t>(count - i) * sizeof(float);
    alignas(64) float value[W] = {}, gradient[W] = {}, one[W] = {}, two[W] = {};
    __builtin_memcpy(value, values + i, rest);
    __builtin_memcpy(gradient, gradients + i, rest);
    __builtin_memcpy(one, first + i, rest);
    __builtin_memcpy(two, second + i, rest);
    adam_lanes(value, gradient, one, two, rates);
    __builtin_memcpy(values + i, value, rest);
    __builtin_memcpy(first + i, one, rest);
    __builtin_memcpy(second + i, two, rest);
}

}  // namespace splats::SPLATS_ISA
