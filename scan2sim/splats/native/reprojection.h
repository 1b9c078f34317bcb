// Points that one picture shows, found again in another: looked up, or compared by the windows around them.
#pragma once
#include <cstdint>

namespace splats {

struct Pinhole {
    float rotation[9], centre[3];  // world_from_camera, row-major, and the camera's place
    float fx, fy, cx, cy;
    int width, height;
};

struct RayPoints {
    float origin[3];     // where all rays begin
    const float* rays;   // three for each point, in the world
    const float* depth;  // how many rays' lengths away each point is
    int64_t count;
};

// Writes for each point its pixel in a picture of surfaces, how far behind the surface there it lies, and whether it is
// in the picture and the surface there has the number.
void look_up(const RayPoints& points, const Pinhole& camera, const float* surface, const int32_t* numbers,
             int32_t number, int32_t* place, float* behind, bool* inside);

struct WindowPicture {
    const float* gray;
    const bool* own;  // what counts; windows are means over it
    int width, height;
};

struct WindowRules {
    int radius;   // of the window, in pixels
    float noise;  // added to variances
    float level;  // difference of means that are not alike at all
};

// Writes for each shift of the depth, and each pixel that counts, the correlation of the windows and how alike their
// means are; 0 elsewhere. The points are the picture's pixels.
void compare_windows(const WindowPicture& mine, const RayPoints& points, const float* shifts, int shift_count,
                     const Pinhole& camera, const float* other, const WindowRules& rules, float* pattern, float* level);

}  // namespace splats
