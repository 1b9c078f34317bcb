// Plain views of the data that crosses between the binding, the renderer and its kernels.
#pragma once
#include <cstdint>

namespace splats {

constexpr int kTile = 16;  // pixels on a side
constexpr int kTilePixels = kTile * kTile;
constexpr int kCell = 4;  // pixels on a side of the squares, 4 by 4 to a tile, in which pictures change or do not
constexpr float kBlur = 0.3f;  // low-pass added to the projected covariance [px²]
constexpr float kMaxAlpha = 0.999f;
constexpr float kMinTransmittance = 1e-4f;
constexpr float kLog2Of255 = 7.994353436858858f;  // alpha < 1/255 is skipped: log2(alpha) < -kLog2Of255
constexpr int kMoments = 10;                      // S0 Sx Sy Sxx Sxy Syy r g b z, see blend_backward.inl

// All N Gaussians, row-major float32 as in scan2sim.splats.Gaussians.
struct GaussianArrays {
    const float* means;
    const float* quats;
    const float* log_scales;
    const float* opacity_logits;
    const float* sh;        // (N, sh_count, 3)
    const int32_t* object;  // (N,) row of View::transforms, or null: all row 0
    const float* features;  // (N, feature_count) or null
    int64_t count;
    int sh_count;
    int feature_count;
};

// One camera. Every object has 16 floats: camera_from_object as 3×4 rows, the camera's centre in the object's
// frame, one unused.
struct View {
    const float* transforms;  // (O, 16)
    float fx, fy, cx, cy;
    int width, height;
    float near, far;
    int sh_degree;
    bool antialiased;
};

// A projected Gaussian, one cache line. With d = pixel - (x, y):
// log2(alpha) = l2o - (l00 d.x + l10 d.y)² - (l11 d.y)², a Cholesky factor of the inverse covariance times
// sqrt(log2(e) / 2), which never makes the exponent positive and does not cancel for needles.
struct alignas(64) Splat {
    float x, y;
    float l00, l10, l11;
    float l2o;  // log2 of the opacity
    float r, g, b;
    float z;                 // depth in the camera [m]
    int32_t x0, x1, y0, y1;  // first and last pixel column and row that it can touch
    int32_t id;              // index of the Gaussian
    int32_t first_slot;      // of its intersections with tiles
};
static_assert(sizeof(Splat) == 64);

// Where a projection puts its results, all indexed by Gaussian.
struct ProjectionOut {
    Splat* splats;
    float* means2d;    // (N, 2) or, with radii, null
    float* radii;      // (N,)
    int32_t* visible;  // room for every Gaussian of the range
};

// Gradients of the parameters, all accumulated into; null = not wanted.
struct GaussianGradients {
    float* means;
    float* quats;
    float* log_scales;
    float* opacity_logits;
    float* sh;
    float* features;
    float* means2d;     // (N, 2) of this camera
    float* transforms;  // (objects, 16) of this camera, laid out as View::transforms
    int objects;
};

// The depth-sorted Gaussians of each tile.
struct TileLists {
    const Splat* splats;   // by depth
    const int32_t* begin;  // (tiles + 1,) into ranks
    const int32_t* ranks;  // index into splats
    const int32_t* slots;  // where the backward pass writes this intersection's gradient
    int tiles_x, tiles_y;
    int width, height;
    const float* features;  // (N, feature_count) or null
    int feature_count;
    const uint16_t* open;  // (tiles,) the cells that are blended, 4 bits a row of cells; null = all
};

// Images of one camera that the forward pass writes; features, ids and what only the gradient needs may be null.
struct Images {
    float* colors;         // (H, W, 3)
    float* alphas;         // (H, W)
    float* depths;         // (H, W)
    float* median_depths;  // (H, W)
    float* features;       // (H, W, F)
    int32_t* ids;          // (H, W) object whose weight is over 1/2, else 0
    const int32_t* object;  // (N,) that each Gaussian counts for, below object_count; only read for ids
    int object_count;
    float* transmittance;  // (tiles, kTilePixels) after the last Gaussian
    int32_t* stop;         // (tiles, kTilePixels) position in the tile's list where the pixel was full, or its end
    int32_t* tile_stop;    // (tiles,) the largest of these
};

// Pairs of a Gaussian and a pixel.
struct PairCount {
    int64_t weighed, drawn;
};

// Gradients of the images of one camera; null = zero.
struct ImageGradients {
    const float* colors;
    const float* alphas;
    const float* depths;
    const float* features;
    const float* rendered_depths;
};

// Two channel-interleaved images (H, W, 3) and what the loss is made of.
struct LossInput {
    const float* rendered;
    const float* target;          // or null:
    const uint8_t* target_bytes;  // the same times 255
    int width, height;
    const float* gain;    // (3,) of the channels, applied to the rendered image first, or null
    const float* offset;  // (3,)
    float l1_scale;       // factor of Σ |a - b|
    float ssim_scale;     // factor of Σ S
    float* gradient;      // (H, W, 3) in the rendered image, or null
};

// Sums over the rows of the image.
struct LossSums {
    float* ssim;      // (H - 10,) of the windows that begin there
    float* l1;        // (H,)
    float* exposure;  // (H, 6) gradients in gain and offset
};

// One step of Adam: value -= first_scale · first / (√(second_scale · second) + epsilon).
struct AdamRates {
    float beta1, beta2;
    float first_scale;   // learning rate / (1 - beta1^step)
    float second_scale;  // 1 / (1 - beta2^step)
    float epsilon;
};

constexpr int kWindow = 11;  // of SSIM: a Gaussian with sigma 1.5
constexpr float kTaps[kWindow] = {0.00102838008f, 0.00759875814f, 0.0360007721f, 0.10936069f,
                                  0.213005538f,   0.266011725f,   0.213005538f,  0.10936069f,
                                  0.0360007721f,  0.00759875814f, 0.00102838008f};
constexpr int kLossMargin = 3 * (kWindow - 1);
constexpr int kLossStep = 4;           // bands of rows begin at multiples of it
constexpr int kLossScratchRows = 96;  // rows of scratch memory that a band of rows needs
// Floats of one row of scratch memory, with room for the window and a vector on either side.
constexpr int loss_row_length(int width) { return (3 * width + 96 + 15) / 16 * 16; }

}  // namespace splats
