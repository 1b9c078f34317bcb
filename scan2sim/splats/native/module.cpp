// The Python module scan2sim.splats._native. All arrays are C-contiguous float32 or int32 on the CPU; the callers in
// scan2sim/splats/native_backend.py have checked shapes, here they are asserted once more.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <variant>

#include "adam.h"
#include "dispatch.h"
#include "frame.h"
#include "fusion.h"
#include "loss.h"
#include "reprojection.h"
#include "still_views.h"
#include "triangles.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace splats {
namespace {

using In = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using InInt = nb::ndarray<const int32_t, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<float, nb::c_contig, nb::device::cpu>;
using OutInt = nb::ndarray<int32_t, nb::c_contig, nb::device::cpu>;

template <class Array>
auto* checked(const Array& array, size_t size, const char* name) {
    if (array.size() != size)
        throw std::invalid_argument(std::string(name) + ": " + std::to_string(array.size()) + " values, expected " +
                                    std::to_string(size));
    return array.data();
}

template <class Array>
auto* checked(const std::optional<Array>& array, size_t size, const char* name) {
    return array ? checked(*array, size, name) : nullptr;
}

// Parameters, kept alive by the arrays.
struct Gaussians {
    In means, quats, log_scales, opacity_logits, sh;
    std::optional<InInt> object_ids;
    std::optional<In> features;
    size_t feature_sets;  // 1, or one for each camera
    GaussianArrays arrays{};

    // The arrays as one camera sees them.
    GaussianArrays for_camera(size_t camera) const {
        GaussianArrays mine = arrays;
        if (mine.features && feature_sets > 1) mine.features += camera * mine.count * mine.feature_count;
        return mine;
    }

    Gaussians(In means_, In quats_, In log_scales_, In opacity_logits_, In sh_, std::optional<InInt> object_ids_,
              std::optional<In> features_)
        : means(means_),
          quats(quats_),
          log_scales(log_scales_),
          opacity_logits(opacity_logits_),
          sh(sh_),
          object_ids(object_ids_),
          features(features_) {
        const size_t n = opacity_logits.size();
        if (sh.ndim() != 3 || (features && features->ndim() != 2 && features->ndim() != 3))
            throw std::invalid_argument("sh or features: rank");
        const size_t sh_count = sh.shape(1), feature_count = features ? features->shape(features->ndim() - 1) : 0;
        feature_sets = features && features->ndim() == 3 ? features->shape(0) : 1;
        if (n * 3 * sh_count > 0x7fffffff) throw std::invalid_argument("too many Gaussians");
        arrays = {checked(means, 3 * n, "means"),
                  checked(quats, 4 * n, "quats"),
                  checked(log_scales, 3 * n, "log_scales"),
                  opacity_logits.data(),
                  checked(sh, 3 * n * sh_count, "sh"),
                  checked(object_ids, n, "object_ids"),
                  checked(features, feature_sets * n * feature_count, "features"),
                  static_cast<int64_t>(n),
                  static_cast<int>(sh_count),
                  static_cast<int>(feature_count)};
    }
};

struct Views {
    In transforms, intrinsics;  // (C, O, 16), (C, 4)
    int width, height, sh_degree;
    float near, far;
    bool antialiased;

    size_t count() const { return transforms.shape(0); }
    size_t pixels() const { return static_cast<size_t>(width) * height; }
    View view(size_t camera) const {
        const float* k = intrinsics.data() + 4 * camera;
        return {transforms.data() + 16 * transforms.shape(1) * camera,
                k[0],
                k[1],
                k[2],
                k[3],
                width,
                height,
                near,
                far,
                sh_degree,
                antialiased};
    }
    std::vector<View> all() const {
        std::vector<View> views;
        for (size_t c = 0; c < count(); ++c) views.push_back(view(c));
        return views;
    }
};

// What blending writes.
struct Pictures {
    Out colors, alphas, depths, median_depths;
    std::optional<Out> features;
    std::optional<OutInt> ids;
    std::optional<InInt> object_ids;
    int object_count;

    Images images(const Gaussians& gaussians, const Views& views) const {
        const size_t all = views.pixels() * views.count();
        Images images{};
        images.colors = checked(colors, 3 * all, "colors");
        images.alphas = checked(alphas, all, "alphas");
        images.depths = checked(depths, all, "depths");
        images.median_depths = checked(median_depths, all, "median_depths");
        images.features = checked(features, gaussians.arrays.feature_count * all, "features");
        images.ids = checked(ids, all, "ids");
        images.object = checked(object_ids, gaussians.arrays.count, "object_ids");
        images.object_count = object_count;
        if (images.ids && (!object_ids || object_count < 1)) throw std::invalid_argument("ids without object_ids");
        return images;
    }
    Images of_camera(Images images, const Gaussians& gaussians, const Views& views, size_t camera) const {
        const size_t before = views.pixels() * camera;
        images.colors += 3 * before;
        images.alphas += before;
        images.depths += before;
        images.median_depths += before;
        if (images.features) images.features += gaussians.arrays.feature_count * before;
        if (images.ids) images.ids += before;
        return images;
    }
};

size_t checked_cameras(const Gaussians& gaussians, const Views& views) {
    const size_t cameras = views.count();
    if (views.intrinsics.size() != 4 * cameras) throw std::invalid_argument("intrinsics: shape");
    if (gaussians.feature_sets != 1 && gaussians.feature_sets != cameras)
        throw std::invalid_argument("features: one set for all cameras or one for each");
    return cameras;
}

// Many cameras are shared out among the threads; few cameras one by one, each with all threads.
template <class Work>
void each_camera(size_t cameras, Work&& work) {
    const bool enough = static_cast<int64_t>(cameras) >= 2 * threads();
    parallel_for(static_cast<int64_t>(cameras), enough ? threads() : 1, 1,
                 [&](int64_t c) { work(static_cast<size_t>(c)); });
}

// Renders camera by camera and keeps nothing.
void render(const Gaussians& gaussians, const Views& views, const Pictures& pictures, std::optional<Out> means2d,
            std::optional<Out> radii) {
    const size_t cameras = checked_cameras(gaussians, views), n = gaussians.arrays.count;
    float* means = checked(means2d, 2 * cameras * n, "means2d");
    float* extents = checked(radii, cameras * n, "radii");
    if (!means != !extents) throw std::invalid_argument("means2d and radii: both or none");
    const Images images = pictures.images(gaussians, views);
    nb::gil_scoped_release release;
    std::optional<StillViews> still;
    if (!means) still.emplace(gaussians.arrays, views.all(), images);
    each_camera(cameras, [&](size_t c) {
        const auto frame = Pool<Frame>::take();
        const GaussianArrays mine = gaussians.for_camera(c);
        const StillView* shared = still ? still->of_camera(c) : nullptr;
        if (shared)
            frame->project(mine, views.view(c), *shared, still->moving());
        else
            frame->project(mine, views.view(c), means ? means + 2 * n * c : nullptr,
                           extents ? extents + n * c : nullptr);
        const Images own = pictures.of_camera(images, gaussians, views, c);
        if (shared && shared->picture.colors) shared->copy_to(own, views.view(c));
        frame->blend(mine, own, false);
    });
}

// All cameras of one call, kept for their gradients.
class Frames {
public:
    Frames(const Gaussians& gaussians, const Views& views, Out means2d, Out radii)
        : gaussians_(gaussians), views_(views) {
        const size_t cameras = checked_cameras(gaussians, views), n = gaussians_.arrays.count;
        float* means = checked(means2d, 2 * cameras * n, "means2d");
        float* extents = checked(radii, cameras * n, "radii");
        for (size_t c = 0; c < cameras; ++c) frames_.push_back(Pool<Frame>::take());
        nb::gil_scoped_release release;
        each_camera(frames_.size(), [&](size_t c) {
            frames_[c]->project(gaussians_.arrays, views_.view(c), means + 2 * n * c, extents + n * c);
        });
    }

    void blend(const Pictures& pictures) {
        const Images images = pictures.images(gaussians_, views_);
        nb::gil_scoped_release release;
        each_camera(frames_.size(), [&](size_t c) {
            frames_[c]->blend(gaussians_.for_camera(c), pictures.of_camera(images, gaussians_, views_, c), true);
        });
        kept_ = true;
    }

    void backward(std::optional<In> colors, std::optional<In> alphas, std::optional<In> depths,
                  std::optional<In> features, In rendered_depths, std::optional<Out> means, std::optional<Out> quats,
                  std::optional<Out> log_scales, std::optional<Out> opacity_logits, std::optional<Out> sh,
                  std::optional<Out> feature_gradients, std::optional<Out> means2d, std::optional<Out> transforms) {
        if (!kept_) throw std::logic_error("backward without a blend that kept its state");
        const GaussianArrays& g = gaussians_.arrays;
        const size_t pixels = views_.pixels(), all = pixels * frames_.size(), channels = g.feature_count, n = g.count,
                     objects = views_.transforms.shape(1), feature_sets = gaussians_.feature_sets;
        const ImageGradients images{checked(colors, 3 * all, "colors"), checked(alphas, all, "alphas"),
                                    checked(depths, all, "depths"), checked(features, channels * all, "features"),
                                    checked(rendered_depths, all, "rendered_depths")};
        const GaussianGradients out{checked(means, 3 * n, "means"),
                                    checked(quats, 4 * n, "quats"),
                                    checked(log_scales, 3 * n, "log_scales"),
                                    checked(opacity_logits, n, "opacity_logits"),
                                    checked(sh, 3 * n * g.sh_count, "sh"),
                                    checked(feature_gradients, feature_sets * n * channels, "features"),
                                    checked(means2d, 2 * n * frames_.size(), "means2d"),
                                    checked(transforms, 16 * objects * frames_.size(), "transforms"),
                                    static_cast<int>(objects)};
        nb::gil_scoped_release release;
        for (size_t c = 0; c < frames_.size(); ++c) {
            const auto at = [&](const float* p, size_t size) { return p ? p + size * pixels * c : nullptr; };
            GaussianGradients mine = out;
            if (mine.means2d) mine.means2d += 2 * n * c;
            if (mine.transforms) mine.transforms += 16 * objects * c;
            if (mine.features && feature_sets > 1) mine.features += n * channels * c;
            frames_[c]->backward(gaussians_.for_camera(c),
                                 {at(images.colors, 3), at(images.alphas, 1), at(images.depths, 1),
                                  at(images.features, channels), at(images.rendered_depths, 1)},
                                 mine);
        }
    }

    void accumulate(In maps, Out sums) {
        if (sums.ndim() != 2) throw std::invalid_argument("sums: rank");
        const size_t channels = sums.shape(1), pixels = views_.pixels();
        const float* values = checked(maps, pixels * frames_.size() * channels, "maps");
        float* out = checked(sums, gaussians_.arrays.count * channels, "sums");
        nb::gil_scoped_release release;
        for (size_t c = 0; c < frames_.size(); ++c)
            frames_[c]->accumulate(values + c * pixels * channels, static_cast<int>(channels), out);
    }

    void dominant(OutInt indices) {
        int32_t* out = checked(indices, views_.pixels() * frames_.size(), "indices");
        nb::gil_scoped_release release;
        each_camera(frames_.size(), [&](size_t c) { frames_[c]->dominant(out + c * views_.pixels()); });
    }

    std::pair<int64_t, int64_t> count() {
        PairCount all{0, 0};
        for (auto& frame : frames_) {
            const PairCount one = frame->count();
            all.weighed += one.weighed;
            all.drawn += one.drawn;
        }
        return {all.weighed, all.drawn};
    }

private:
    Gaussians gaussians_;
    Views views_;
    std::vector<std::shared_ptr<Frame>> frames_;
    bool kept_ = false;
};

using Mask = nb::ndarray<const bool, nb::c_contig, nb::device::cpu>;

void adam(Out values, In gradients, Out first, Out second, std::optional<Mask> chosen, int64_t first_column,
          int64_t columns, float beta1, float beta2, float first_scale, float second_scale, float epsilon) {
    if (values.ndim() != 2) throw std::invalid_argument("values: rank");
    const int64_t rows = static_cast<int64_t>(values.shape(0)), width = static_cast<int64_t>(values.shape(1));
    if (first_column < 0 || columns < 0 || first_column + columns > width) throw std::invalid_argument("columns");
    const AdamMatrices matrices{values.data(),
                                checked(gradients, values.size(), "gradients"),
                                checked(first, values.size(), "first"),
                                checked(second, values.size(), "second"),
                                rows,
                                width,
                                first_column,
                                columns};
    const bool* mask = checked(chosen, values.shape(0), "chosen");
    nb::gil_scoped_release release;
    adam_step(matrices, mask, {beta1, beta2, first_scale, second_scale, epsilon});
}

using Bytes = nb::ndarray<const uint8_t, nb::c_contig, nb::device::cpu>;

double photometric(In rendered, std::variant<Bytes, In> target, float ssim_weight, std::optional<In> exposure,
                   std::optional<Out> gradient, std::optional<Out> exposure_gradient) {
    if (rendered.ndim() != 3 || rendered.shape(2) != 3 || rendered.shape(0) < kWindow || rendered.shape(1) < kWindow)
        throw std::invalid_argument("rendered: shape (H, W, 3), at least 11 × 11");
    LossInput input{};
    input.rendered = rendered.data();
    if (const Bytes* bytes = std::get_if<Bytes>(&target))
        input.target_bytes = checked(*bytes, rendered.size(), "target");
    else
        input.target = checked(std::get<In>(target), rendered.size(), "target");
    input.height = static_cast<int>(rendered.shape(0));
    input.width = static_cast<int>(rendered.shape(1));
    input.gradient = checked(gradient, rendered.size(), "gradient");
    input.gain = checked(exposure, 6, "exposure");
    input.offset = input.gain ? input.gain + 3 : nullptr;
    float* of_exposure = checked(exposure_gradient, 6, "exposure_gradient");
    if (input.gain && input.gradient && !of_exposure) throw std::invalid_argument("exposure_gradient is missing");
    nb::gil_scoped_release release;
    return photometric_loss(input, ssim_weight, of_exposure);
}

// Images and gradients are freed and asked for again in every frame; an allocator that returns them to the system each
// time makes the system clear the same pages again and again.
void keep_freed_memory() {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that it accepts
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

using InBool = nb::ndarray<const bool, nb::c_contig, nb::device::cpu>;

void fuse(Out total, Out weight, std::vector<float> corner, float cell, std::vector<float> camera, In depth, InBool own,
          std::optional<In> trust, float reach, float slack, float hidden, float empty) {
    if (total.ndim() != 3 || depth.ndim() != 2 || corner.size() != 3 || camera.size() != 16)
        throw std::invalid_argument("total: rank 3, depth: rank 2, corner: 3 values, camera: 16 values");
    Grid grid{{}, {}, cell};
    for (int i = 0; i < 3; ++i) {
        grid.shape[i] = static_cast<int>(total.shape(i));
        grid.corner[i] = corner[i];
    }
    DepthPicture picture{};
    std::copy_n(camera.begin(), 9, picture.rotation);
    std::copy_n(camera.begin() + 9, 3, picture.centre);
    picture.fx = camera[12], picture.fy = camera[13], picture.cx = camera[14], picture.cy = camera[15];
    picture.width = static_cast<int>(depth.shape(1)), picture.height = static_cast<int>(depth.shape(0));
    picture.depth = depth.data();
    picture.own = checked(own, depth.size(), "own");
    picture.trust = checked(trust, depth.size(), "trust");
    float* weights = checked(weight, total.size(), "weight");
    nb::gil_scoped_release release;
    fuse_depth(grid, picture, {reach, slack, hidden, empty}, total.data(), weights);
}

using InDouble = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
using OutDouble = nb::ndarray<double, nb::c_contig, nb::device::cpu>;

void draw(InDouble pixels, InDouble depths, InInt faces, double nearest, OutInt face, OutDouble inverse) {
    if (face.ndim() != 2) throw std::invalid_argument("face: rank 2");
    const Triangles triangles{checked(pixels, 2 * depths.size(), "pixels"), depths.data(), faces.data(),
                              static_cast<int64_t>(faces.size() / 3), nearest};
    const auto known = static_cast<int64_t>(depths.size());
    for (size_t i = 0; i < faces.size(); ++i)
        if (triangles.faces[i] < 0 || triangles.faces[i] >= known) throw std::invalid_argument("faces: no such vertex");
    double* written = checked(inverse, face.size(), "inverse");
    nb::gil_scoped_release release;
    draw_triangles(triangles, static_cast<int>(face.shape(1)), static_cast<int>(face.shape(0)), face.data(), written);
}

Pinhole pinhole(const std::vector<float>& camera, size_t height, size_t width) {
    if (camera.size() != 16) throw std::invalid_argument("camera: 16 values");
    Pinhole made{};
    std::copy_n(camera.begin(), 9, made.rotation);
    std::copy_n(camera.begin() + 9, 3, made.centre);
    made.fx = camera[12], made.fy = camera[13], made.cx = camera[14], made.cy = camera[15];
    made.width = static_cast<int>(width), made.height = static_cast<int>(height);
    return made;
}

RayPoints ray_points(const std::vector<float>& origin, const In& rays, const In& depth) {
    if (origin.size() != 3) throw std::invalid_argument("origin: 3 values");
    RayPoints points{{}, checked(rays, 3 * depth.size(), "rays"), depth.data(), static_cast<int64_t>(depth.size())};
    std::copy_n(origin.begin(), 3, points.origin);
    return points;
}

using OutBool = nb::ndarray<bool, nb::c_contig, nb::device::cpu>;

void look(std::vector<float> origin, In rays, In depth, std::vector<float> camera, In surface, InInt numbers,
          int32_t number, OutInt place, Out behind, OutBool inside) {
    if (surface.ndim() != 2 || surface.size() == 0) throw std::invalid_argument("surface: rank 2, not empty");
    const RayPoints points = ray_points(origin, rays, depth);
    const Pinhole other = pinhole(camera, surface.shape(0), surface.shape(1));
    const int32_t* owners = checked(numbers, surface.size(), "numbers");
    int32_t* places = checked(place, depth.size(), "place");
    float* distances = checked(behind, depth.size(), "behind");
    bool* known = checked(inside, depth.size(), "inside");
    nb::gil_scoped_release release;
    look_up(points, other, surface.data(), owners, number, places, distances, known);
}

void compare(In gray, InBool own, std::vector<float> origin, In rays, In depth, In shifts, std::vector<float> camera,
             In picture, int radius, float noise, float difference, Out pattern, Out level) {
    if (gray.ndim() != 2 || picture.ndim() != 2 || picture.size() == 0 || radius < 0)
        throw std::invalid_argument("gray and picture: rank 2, not empty; radius: at least 0");
    const WindowPicture mine{gray.data(), checked(own, gray.size(), "own"), static_cast<int>(gray.shape(1)),
                             static_cast<int>(gray.shape(0))};
    checked(depth, gray.size(), "depth");
    const RayPoints points = ray_points(origin, rays, depth);
    const Pinhole other = pinhole(camera, picture.shape(0), picture.shape(1));
    float* patterns = checked(pattern, shifts.size() * gray.size(), "pattern");
    float* levels = checked(level, shifts.size() * gray.size(), "level");
    nb::gil_scoped_release release;
    compare_windows(mine, points, shifts.data(), static_cast<int>(shifts.size()), other, picture.data(),
                    {radius, noise, difference}, patterns, levels);
}

}  // namespace
}  // namespace splats

NB_MODULE(_native, m) {
    using namespace splats;
    // autograd graphs that are alive when Python ends keep their Frames; torch never takes such graphs down
    nb::set_leak_warnings(false);
    m.doc() = "Gaussian splatting on the CPU: projection, tiles, blending and their gradients.";
    m.def("keep_freed_memory", &keep_freed_memory, "Let the allocator keep what is freed, where it can be told so.");
    m.def("available_isas", &available_isas, "Instruction sets this processor runs, slowest first.");
    m.def("isa", &isa, "The instruction set in use.");
    m.def("set_isa", &set_isa, "name"_a, "Choose the instruction set; ValueError if the processor lacks it.");
    m.def("threads", &threads, "Number of threads in use.");
    m.def("set_threads", &set_threads, "count"_a, "Choose the number of threads, 1..1024.");

    m.def("photometric_loss", &photometric, "rendered"_a, "target"_a, "ssim_weight"_a,
          "exposure"_a.none(), "gradient"_a.none(), "exposure_gradient"_a.none(),
          "The loss; its gradients in the rendered image and in gain and offset are written.");

    m.def("adam", &adam, "values"_a, "gradients"_a, "first"_a, "second"_a, "chosen"_a.none(), "first_column"_a,
          "columns"_a, "beta1"_a, "beta2"_a, "first_scale"_a, "second_scale"_a, "epsilon"_a,
          "One step of Adam on the chosen rows and a range of columns.");

    m.def("fuse_depth", &fuse, "total"_a, "weight"_a, "corner"_a, "cell"_a, "camera"_a, "depth"_a, "own"_a,
          "trust"_a.none(), "reach"_a, "slack"_a, "hidden"_a, "empty"_a,
          "Add what one depth picture says of each point of a grid.");

    m.def("draw_triangles", &draw, "pixels"_a, "depths"_a, "faces"_a, "nearest"_a, "face"_a, "inverse"_a,
          "Write the face in front of each pixel, or -1, and the inverse of its depth.");

    m.def("look_up", &look, "origin"_a, "rays"_a, "depth"_a, "camera"_a, "surface"_a, "numbers"_a, "number"_a,
          "place"_a, "behind"_a, "inside"_a, "Write where points are in a picture of surfaces, and how far behind them.");

    m.def("compare_windows", &compare, "gray"_a, "own"_a, "origin"_a, "rays"_a, "depth"_a, "shifts"_a, "camera"_a,
          "picture"_a, "radius"_a, "noise"_a, "difference"_a, "pattern"_a, "level"_a,
          "Write how alike another picture is about the points that a picture shows, for shifts of their depth.");

    nb::class_<Gaussians>(m, "Gaussians")
        .def(nb::init<In, In, In, In, In, std::optional<InInt>, std::optional<In>>(), "means"_a, "quats"_a,
             "log_scales"_a, "opacity_logits"_a, "sh"_a, "object_ids"_a.none(), "features"_a.none());
    nb::class_<Views>(m, "Views")
        .def(
            "__init__",
            [](Views* self, In transforms, In intrinsics, int width, int height, int sh_degree, float near, float far,
               bool antialiased) {
                if (transforms.ndim() != 3 || transforms.shape(2) != 16)
                    throw std::invalid_argument("transforms: shape (C, O, 16)");
                new (self) Views{transforms, intrinsics, width, height, sh_degree, near, far, antialiased};
            },
            "transforms"_a, "intrinsics"_a, "width"_a, "height"_a, "sh_degree"_a, "near"_a, "far"_a, "antialiased"_a);
    nb::class_<Pictures>(m, "Pictures")
        .def(
            "__init__",
            [](Pictures* self, Out colors, Out alphas, Out depths, Out median_depths, std::optional<Out> features,
               std::optional<OutInt> ids, std::optional<InInt> object_ids, int object_count) {
                new (self)
                    Pictures{colors, alphas, depths, median_depths, features, ids, object_ids, object_count};
            },
            "colors"_a, "alphas"_a, "depths"_a, "median_depths"_a, "features"_a.none(), "ids"_a.none(),
            "object_ids"_a.none(), "object_count"_a);
    m.def("render", &render, "gaussians"_a, "views"_a, "pictures"_a, "means2d"_a.none(), "radii"_a.none(),
          "Write the images of all cameras; nothing is kept for gradients.");
    nb::class_<Frames>(m, "Frames")
        .def(nb::init<const Gaussians&, const Views&, Out, Out>(), "gaussians"_a, "views"_a, "means2d"_a, "radii"_a)
        .def("blend", &Frames::blend, "pictures"_a)
        .def("backward", &Frames::backward, "colors"_a.none(), "alphas"_a.none(), "depths"_a.none(),
             "features"_a.none(), "rendered_depths"_a, "means"_a.none(), "quats"_a.none(), "log_scales"_a.none(),
             "opacity_logits"_a.none(), "sh"_a.none(), "feature_gradients"_a.none(), "means2d"_a.none(),
             "transforms"_a.none())
        .def("accumulate", &Frames::accumulate, "maps"_a, "sums"_a)
        .def("dominant", &Frames::dominant, "indices"_a)
        .def("count", &Frames::count, "Pairs of a Gaussian and a pixel that are weighed, and that are drawn.");
}
