// Scratch memory that is reused from frame to frame, and loops over threads.
#pragma once
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace splats {

// An uninitialised array that only grows, aligned to a cache line.
template <class T>
class Buffer {
public:
    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { std::free(data_); }

    T* resize(size_t count) {
        if (count > capacity_) {
            const size_t room = count + count / 4;
            const size_t bytes = (room * sizeof(T) + 63) / 64 * 64;
            std::free(data_);
            data_ = nullptr;
            capacity_ = 0;
            data_ = static_cast<T*>(std::aligned_alloc(64, bytes));
            if (!data_) throw std::bad_alloc();
            capacity_ = room;
        }
        return data_;
    }
    T* data() const { return data_; }
    T& operator[](size_t i) const { return data_[i]; }

private:
    T* data_ = nullptr;
    size_t capacity_ = 0;
};

// Keeps a few objects whose buffers are worth reusing.
template <class T>
class Pool {
public:
    static std::shared_ptr<T> take() {
        std::unique_ptr<T> object;
        {
            std::lock_guard lock(mutex());
            if (!idle().empty()) {
                object = std::move(idle().back());
                idle().pop_back();
            }
        }
        if (!object) object = std::make_unique<T>();
        return std::shared_ptr<T>(object.release(), [](T* done) {
            std::unique_ptr<T> owned(done);
            std::lock_guard lock(mutex());
            if (idle().size() < kKept) idle().push_back(std::move(owned));
        });
    }

private:
    static constexpr size_t kKept = 4;
    static std::mutex& mutex() {
        static std::mutex* value = new std::mutex;
        return *value;
    }
    static std::vector<std::unique_ptr<T>>& idle() {
        static auto* value = new std::vector<std::unique_ptr<T>>;
        return *value;
    }
};

// While it lives, this thread takes numbers too small to be normal for 0. They are of no use here and a hundred times
// slower: moments of gradients that have stopped coming decay into them and never leave.
class FlushDenormals {
public:
#if defined(__SSE__)
    FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
    ~FlushDenormals() { _mm_setcsr(before_); }
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

private:
    unsigned before_;
#endif
};

// Calls work(i) for 0 ≤ i < count, each index on any thread; passes on the first exception.
template <class Work>
void parallel_for(int64_t count, int threads, int64_t at_once, Work&& work) {
    std::exception_ptr problem;
    std::mutex mutex;
#pragma omp parallel for schedule(dynamic, at_once) num_threads(threads) if (count > at_once && threads > 1)
    for (int64_t i = 0; i < count; ++i) {
        [[maybe_unused]] const FlushDenormals flush;
        try {
            work(i);
        } catch (...) {
            std::lock_guard lock(mutex);
            if (!problem) problem = std::current_exception();
        }
    }
    if (problem) std::rethrow_exception(problem);
}

}  // namespace splats
