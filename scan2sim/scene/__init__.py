"""The Scene: the artifact everything meets at; how it is built from meshes, saved, loaded, checked and corrected.

`types.py` holds the dataclasses, `manifest.py` the validated form of scene.json, `describe.py` its content, `parts.py`
and `visual.py` the small files; `variant.py` saves a scene that differs little from one on disk.
"""

from scan2sim.scene.compose import scene_gaussians
from scan2sim.scene.correct import MESH_SIGMA, Side, scale_factor_from_length, scale_factor_from_object, scale_scene
from scan2sim.scene.edit import delete_object, object_named, rename_object, set_material, set_measured
from scan2sim.scene.from_mesh import ObjectConfig, moved_gaussians, object_from_mesh
from scan2sim.scene.load import load_object, load_scene
from scan2sim.scene.parts import read_obj, read_points, write_obj, write_points
from scan2sim.scene.picture import PREVIEW_SIDE, Picture, draw, viewpoint
from scan2sim.scene.pieces import encode_pieces, read_pieces
from scan2sim.scene.regroup import merge_objects, split_object
from scan2sim.scene.replay import Replay, append_corrections, apply_corrections
from scan2sim.scene.same import same_gaussians, same_mesh, same_shape
from scan2sim.scene.save import save_scene
from scan2sim.scene.shared_files import SharedFiles
from scan2sim.scene.surface_splats import surface_splats
from scan2sim.scene.types import Estimate, Joint, Label, Physical, RestsOn, Scene, SceneObject, Support
from scan2sim.scene.validate import require_consistent, validate_scene
from scan2sim.scene.variant import SavedScene, VariantSaver, open_saved
from scan2sim.scene.visual import read_visual, write_visual

__all__ = [
    "MESH_SIGMA",
    "Estimate",
    "Joint",
    "Label",
    "ObjectConfig",
    "Physical",
    "PREVIEW_SIDE",
    "Picture",
    "Replay",
    "RestsOn",
    "SavedScene",
    "Scene",
    "SceneObject",
    "SharedFiles",
    "Side",
    "Support",
    "VariantSaver",
    "append_corrections",
    "apply_corrections",
    "delete_object",
    "draw",
    "encode_pieces",
    "load_object",
    "load_scene",
    "merge_objects",
    "moved_gaussians",
    "object_named",
    "object_from_mesh",
    "open_saved",
    "read_obj",
    "read_pieces",
    "read_points",
    "read_visual",
    "rename_object",
    "same_gaussians",
    "same_mesh",
    "same_shape",
    "save_scene",
    "scale_factor_from_length",
    "scale_factor_from_object",
    "scale_scene",
    "scene_gaussians",
    "set_material",
    "set_measured",
    "split_object",
    "require_consistent",
    "surface_splats",
    "validate_scene",
    "viewpoint",
    "write_obj",
    "write_points",
    "write_visual",
]
