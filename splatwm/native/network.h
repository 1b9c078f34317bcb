// Weights of the network that corrects contacts, see splatwm/model/network.py.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace splatwm {

constexpr int CONTACT_FEATURES = 24, SIDE_FEATURES = 8, CORRECTIONS = 6, MESSAGE_ROUNDS = 2;
constexpr int TILE = 16;  // columns of a layer are a multiple of it

// y = x W + c; W is (in, out) by rows.
struct Layer {
    int in = 0, out = 0;
    const float *weight = nullptr, *bias = nullptr;  // bias may be missing
};

struct Network {
    int width, latents;
    std::vector<float> data;
    Layer contact, side, material, message, message_own, message_other, message_side, gather, keep, decode, decode_bodies, out;

    // The layers in the order of `ContactNetwork.native`, weights before biases.
    Network(const float* values, size_t count, int width_, int latents_) : width(width_), latents(latents_), data(values, values + count) {
        if (width < TILE || width > 128 || width % TILE || latents < 0 || latents > 64) throw std::invalid_argument("network: its size");
        size_t used = 0;
        auto take = [&](size_t n) {
            if (n > count - used) throw std::invalid_argument("network: too few weights");
            used += n;
            return data.data() + used - n;
        };
        auto layer = [&](int in, int outs, bool biased) {
            Layer l{in, outs};
            l.weight = take(size_t(in) * outs);
            if (biased) l.bias = take(outs);
            return l;
        };
        const int w = width;
        contact = layer(CONTACT_FEATURES, w, true), side = layer(SIDE_FEATURES, w, false);
        material = layer(latents > 0 ? latents : 1, w, false);
        message = layer(w, w, true), message_own = layer(w, w, false), message_other = layer(w, w, false);
        message_side = layer(SIDE_FEATURES, w, false), gather = layer(w, w, true), keep = layer(w, w, false);
        decode = layer(w, w, true), decode_bodies = layer(w, w, false), out = layer(w, TILE, true);
        if (used != count) throw std::invalid_argument("network: too many weights");
    }
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;
};

}  // namespace splatwm
