// Triangles drawn into a picture of what is in front.
#pragma once
#include <cstdint>

namespace splats {

struct Triangles {
    const double* pixels;  // two for each vertex: where it is in the picture
    const double* depths;  // of each vertex, along z
    const int32_t* faces;  // three vertices for each
    int64_t count;
    double nearest;  // faces with a vertex not farther than this are left out
};

// Writes for each pixel the face in front, or -1, and the inverse of its depth at the pixel's centre. Faces that show
// their back are left out.
void draw_triangles(const Triangles& triangles, int width, int height, int32_t* face, double* inverse);

}  // namespace splats
