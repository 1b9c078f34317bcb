"""A picture for a mesh: its surface unfolded onto a plane, and the colours of every place of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh
import xatlas
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt
from scipy.spatial import KDTree
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from scan2sim.bodies.skin import vertex_colors
from scan2sim.bodies.surface import Surface

__all__ = ["ColorsAt", "Texture", "colors_of", "shade_texture", "split_at_seams", "texture_mesh"]

Array = NDArray[np.float64]
ColorsAt = Callable[[Array], Array]  # points (N, 3) [m] in the mesh's frame to colours (N, 3) in 0..1

UV_STEPS = 1 << 16  # places in the picture are multiples of 1 / UV_STEPS, which files keep exactly
NEAREST = 4  # vertices whose colours are mixed where there is no picture
LEAST_DISTANCE = 1e-9  # [m]
FINE = 1 / 300  # between places whose colours are looked up in a picture, over the mesh's size
REACH = 1 / 30  # what is farther from the surface than this takes its mean colour: the inside, where it is cut


@dataclass(frozen=True)
class Texture:
    """A picture and where in it the corners of a mesh's triangles lie."""

    image: NDArray[np.uint8]  # (H, W, 3) RGB, first row on top
    uv: NDArray[np.float64]  # (F, 3, 2) in 0..1, to the right and down, for each face and corner


def texture_mesh(mesh: trimesh.Trimesh, colors_at: ColorsAt, size: int = 512) -> Texture:
    """Unfold a mesh into a picture about ``size`` pixels wide and ask for the colour of every place in it.

    The unfolding into charts is xatlas's (Young 2018, after Lévy et al. 2002, "Least squares conformal maps").  The
    mesh itself stays as it is, closed: seams lie between the corners of its triangles (:func:`split_at_seams`).
    Between the charts the picture takes the colour of the nearest one, so that filtering brings in nothing else.

    Args:
        mesh: any mesh.
        colors_at: colours in 0..1 of points (N, 3) on the surface.
        size: side of the picture [pixels]; packing may need a few more.
    """
    centre, extent = mesh.bounds.mean(0), float(mesh.extents.max())
    atlas = xatlas.Atlas()
    atlas.add_mesh(((mesh.vertices - centre) / extent).astype(np.float32), mesh.faces.astype(np.uint32))
    options = xatlas.PackOptions()
    options.resolution, options.padding, options.bilinear = size, 2, True
    atlas.generate(xatlas.ChartOptions(), options)
    _, corners, places = atlas.get_mesh(0)
    width, height = int(atlas.width), int(atlas.height)
    uv = np.round(np.asarray(places, dtype=np.float64)[corners].clip(0, 1) * UV_STEPS) / UV_STEPS
    pixels, faces, shares = _texels(uv, width, height)
    points = np.einsum("nk,nki->ni", shares, mesh.triangles[faces])
    return Texture(_painted(np.asarray(colors_at(points)), pixels, width, height), uv)


def shade_texture(
    mesh: trimesh.Trimesh,
    texture: Texture,
    factors: Array,  # (V, 3) ≥ 0, one for each vertex and channel, mixed over the triangles
) -> Texture:
    """The texture of the same mesh under other light: its colours times factors."""
    height, width = texture.image.shape[:2]
    pixels, faces, shares = _texels(texture.uv, width, height)
    mixed = np.einsum("nk,nki->ni", shares, factors[mesh.faces[faces]])
    return Texture(_painted(texture.image.reshape(-1, 3)[pixels] / 255 * mixed, pixels, width, height), texture.uv)


def split_at_seams(mesh: trimesh.Trimesh, texture: Texture) -> tuple[trimesh.Trimesh, NDArray[np.int64]]:
    """The mesh as viewers want it, one place in the picture a vertex; and the vertex that each of its own came from.

    Vertices come in the order of the mesh; the result is open along the seams.
    """
    origin, places, inverse = _split(np.asarray(mesh.faces, dtype=np.int64).ravel(), texture.uv.reshape(-1, 2))
    picture = PBRMaterial(baseColorTexture=Image.fromarray(texture.image), metallicFactor=0.0, roughnessFactor=1.0)
    visual = TextureVisuals(uv=np.column_stack([places[:, 0], 1 - places[:, 1]]), material=picture)
    split = trimesh.Trimesh(mesh.vertices[origin], inverse.reshape(-1, 3), visual=visual, process=False)
    return split, origin


def _split(
    vertices: NDArray[np.int64],  # (C,) of each corner
    uv: Array,  # (C, 2)
) -> tuple[NDArray[np.int64], Array, NDArray[np.int64]]:  # (S,), (S, 2), (C,)
    """The different pairs of a vertex and a place in the picture in their order, and which of them each corner has."""
    steps = uv * UV_STEPS
    if ((steps == np.round(steps)) & (steps >= 0) & (steps <= UV_STEPS)).all() and vertices.max() < 1 << 28:
        u, v = steps.astype(np.int64).T  # as texture_mesh makes them: a pair is one number, which is sorted faster
        pairs, inverse = np.unique((vertices << 34) | (u << 17) | v, return_inverse=True)
        low = (1 << 17) - 1
        places = np.stack([(pairs >> 17) & low, pairs & low], axis=1).astype(np.float64) / UV_STEPS
        return pairs >> 34, places, inverse
    rows, inverse = np.unique(np.column_stack([vertices.astype(np.float64), uv]), axis=0, return_inverse=True)
    return rows[:, 0].astype(np.int64), rows[:, 1:], inverse


def colors_of(mesh: trimesh.Trimesh, texture: Texture | None = None) -> ColorsAt:
    """The colours that a mesh has, from its texture if there is one, else mixed from the nearest vertices.

    Places inside the mesh, which show where it is cut, take the texture's mean colour.
    """
    if texture is None:
        tree, colors = KDTree(mesh.vertices), vertex_colors(mesh)[:, :3] / 255
        count = min(NEAREST, len(mesh.vertices))

        def mixed(points: Array) -> Array:
            distances, rows = tree.query(points, k=count)
            weights = 1 / np.maximum(distances.reshape(len(points), count), LEAST_DISTANCE)
            weights /= weights.sum(1, keepdims=True)
            return np.einsum("nk,nki->ni", weights, colors[rows.reshape(len(points), count)])

        return mixed
    size = float(mesh.extents.max())
    places, faces = Surface(mesh, spacing=FINE * size).samples
    shares = trimesh.triangles.points_to_barycentric(mesh.triangles[faces], places).clip(0, 1)
    height, width = texture.image.shape[:2]
    column, row = (np.einsum("nk,nki->ni", shares, texture.uv[faces]) * [width, height]).astype(np.int64).T
    painted = texture.image[row.clip(0, height - 1), column.clip(0, width - 1)] / 255
    painted, samples = np.vstack([painted, painted.mean(0)]), KDTree(places)
    return lambda points: painted[samples.query(points, distance_upper_bound=REACH * size)[1]]


def _painted(
    colors: Array,  # (N, 3) in 0..1
    pixels: NDArray[np.int64],  # (N,)
    width: int,
    height: int,
) -> NDArray[np.uint8]:  # (height, width, 3)
    """A picture with these colours, and between them that of the nearest one."""
    image = np.zeros((height * width, 3), dtype=np.uint8)
    image[pixels] = (colors.clip(0, 1) * 255).round()
    image = image.reshape(height, width, 3)
    if not len(pixels):
        return image
    empty = np.ones(height * width, dtype=bool)
    empty[pixels] = False
    nearest = distance_transform_edt(empty.reshape(height, width), return_distances=False, return_indices=True)
    return image[tuple(np.asarray(nearest))]


def _texels(
    uv: Array,  # (F, 3, 2)
    width: int,
    height: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:  # (N,) pixel, (N,) face, (N, 3) its corners' shares
    """The pixels whose centres lie in the unfolded triangles."""
    corners = uv * [width, height] - 0.5  # in pixel centres
    low = np.ceil(corners.min(1)).astype(np.int64).clip(0)
    high = np.floor(corners.max(1)).astype(np.int64).clip(None, [width - 1, height - 1])
    spans = (high - low + 1).clip(0)
    counts = spans.prod(1)
    face = np.repeat(np.arange(len(uv)), counts)
    step = np.arange(len(face)) - np.repeat(counts.cumsum() - counts, counts)
    x = low[face, 0] + step % spans[face, 0].clip(1)
    y = low[face, 1] + step // spans[face, 0].clip(1)
    a, b, c = corners[face].transpose(1, 0, 2)
    ab, ac, ap = b - a, c - a, np.column_stack([x, y]) - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    safe = np.where(np.abs(area) < 1e-12, np.inf, area)
    to_b = (ap[:, 0] * ac[:, 1] - ap[:, 1] * ac[:, 0]) / safe
    to_c = (ab[:, 0] * ap[:, 1] - ab[:, 1] * ap[:, 0]) / safe
    shares = np.column_stack([1 - to_b - to_c, to_b, to_c])
    inside = (shares >= -1e-9).all(1) & np.isfinite(safe)
    return (y * width + x)[inside], face[inside], shares[inside]
