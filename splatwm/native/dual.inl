// Numbers that carry their derivatives; the base may carry derivatives itself.

template <class B, int N>
struct Dual {
    B v{}, g[N]{};
    Dual() = default;
    Dual(const B& value) : v(value) {}
    static Dual variable(const B& value, int which) {
        Dual d(value);
        d.g[which] = B(1);
        return d;
    }
    template <class F>
    static Dual filled(const B& value, F slope) {
        Dual d(value);
        for (int k = 0; k < N; k++) d.g[k] = slope(k);
        return d;
    }
    Dual operator-() const { return filled(-v, [&](int k) { return -g[k]; }); }
    friend Dual operator+(const Dual& a, const Dual& b) { return filled(a.v + b.v, [&](int k) { return a.g[k] + b.g[k]; }); }
    friend Dual operator-(const Dual& a, const Dual& b) { return filled(a.v - b.v, [&](int k) { return a.g[k] - b.g[k]; }); }
    friend Dual operator*(const Dual& a, const Dual& b) {
        return filled(a.v * b.v, [&](int k) { return a.g[k] * b.v + a.v * b.g[k]; });
    }
    friend Dual operator/(const Dual& a, const Dual& b) {
        const B q = a.v / b.v;
        return filled(q, [&](int k) { return (a.g[k] - q * b.g[k]) / b.v; });
    }
};

inline float value_of(float x) { return x; }
inline double value_of(double x) { return x; }
template <class B, int N>
auto value_of(const Dual<B, N>& x) { return value_of(x.v); }
