// Arrays whose code belongs to this instruction set alone: with the allocator of an unnamed namespace no other one's
// copy of it can be linked in its place.

template <class T>
struct Allocator {
    using value_type = T;
    Allocator() = default;
    template <class U>
    Allocator(const Allocator<U>&) {}
    T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T))); }
    void deallocate(T* p, size_t) { ::operator delete(p); }
    template <class U>
    bool operator==(const Allocator<U>&) const { return true; }
};

template <class T>
using Array = std::vector<T, Allocator<T>>;
