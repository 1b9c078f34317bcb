"""The physics of a shape: closed meshes, convex pieces, mass and inertia, and what materials weigh and how they slide.

Meshes are `trimesh.Trimesh` in metres; nothing here knows of scenes, photos or simulators.
"""

from scan2sim.bodies.body import Body, body_of_mesh, body_of_word
from scan2sim.bodies.closed import close_mesh, enclosed_volume, is_closed
from scan2sim.bodies.convex import ConvexConfig, bounded_hull, convex_pieces, crossings, is_convex
from scan2sim.bodies.decimate import decimate
from scan2sim.bodies.inside import enclosed, enclosed_grid
from scan2sim.bodies.mass import MassProperties, inertia_problem, mass_properties
from scan2sim.bodies.materials import MATERIALS, UNKNOWN, Material, Range, material_named
from scan2sim.bodies.named_solid import NamedSolid, read_solid, solid_of_word
from scan2sim.bodies.physical import TWO_SIDED_95, BodyEstimate, Estimate, estimate_physical, shape_sigma
from scan2sim.bodies.piece_fit import PieceFit, piece_fit
from scan2sim.bodies.procedural import FAMILIES, ProceduralShape, lying_turn, procedural_shape
from scan2sim.bodies.read_body import read_body
from scan2sim.bodies.skin import mark_seen, take_skin, unseen_share, vertex_colors, vertices_seen
from scan2sim.bodies.solid import difference, intersection, nearest_parts, union
from scan2sim.bodies.surface import Surface, outer_points
from scan2sim.bodies.texture import ColorsAt, Texture, colors_of, shade_texture, split_at_seams, texture_mesh

__all__ = [
    "FAMILIES",
    "MATERIALS",
    "TWO_SIDED_95",
    "UNKNOWN",
    "Body",
    "BodyEstimate",
    "ColorsAt",
    "ConvexConfig",
    "Estimate",
    "MassProperties",
    "Material",
    "NamedSolid",
    "PieceFit",
    "ProceduralShape",
    "Range",
    "Surface",
    "Texture",
    "body_of_mesh",
    "body_of_word",
    "bounded_hull",
    "close_mesh",
    "colors_of",
    "convex_pieces",
    "crossings",
    "decimate",
    "difference",
    "enclosed",
    "enclosed_grid",
    "enclosed_volume",
    "estimate_physical",
    "inertia_problem",
    "intersection",
    "is_closed",
    "is_convex",
    "lying_turn",
    "mark_seen",
    "mass_properties",
    "material_named",
    "nearest_parts",
    "outer_points",
    "piece_fit",
    "read_body",
    "read_solid",
    "procedural_shape",
    "shade_texture",
    "shape_sigma",
    "solid_of_word",
    "split_at_seams",
    "take_skin",
    "texture_mesh",
    "union",
    "unseen_share",
    "vertex_colors",
    "vertices_seen",
]
