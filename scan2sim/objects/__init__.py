"""Gaussians become a Scene: the support, separate objects with meshes and physics, and a whole background."""

from scan2sim.objects.build import build_scene
from scan2sim.objects.config import ObjectsConfig, objects_preset

__all__ = ["ObjectsConfig", "build_scene", "objects_preset"]
