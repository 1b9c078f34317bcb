// The six numbers of a contact as one vector of eight, of which the last two are zero, and three of a body as one of four.

template <class T>
struct LanesOf {
    typedef T Six __attribute__((vector_size(8 * sizeof(T))));
    typedef T Four __attribute__((vector_size(4 * sizeof(T))));
};
template <class T>
using Six = typename LanesOf<T>::Six;
template <class T>
using Four = typename LanesOf<T>::Four;

template <class T>
Six<T> six(const T* p) {
    Six<T> v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

template <class T>
void store_six(const Six<T>& v, T* p) { __builtin_memcpy(p, &v, sizeof v); }

template <class T>
Four<T> four(const T* p) {
    Four<T> v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

template <class T>
void store_four(const Four<T>& v, T* p) { __builtin_memcpy(p, &v, sizeof v); }

template <class T>
Four<T> four_of(const Vec<T>& v) { return Four<T>{v.x, v.y, v.z, 0}; }

template <class T>
T sum_of(const Six<T>& v) {
    T x[8];
    store_six<T>(v, x);
    const Four<T> half = four(x) + four(x + 4);
    return (half[0] + half[2]) + (half[1] + half[3]);
}
