"""Gaussians become a Scene: the support, separate objects with meshes and physics, and a whole background."""

from scan2sim.objects.build import build_scene
from scan2sim.objects.config import ObjectsConfig, objects_preset
from scan2sim.objects.masks import MaskSource
from scan2sim.objects.models import model_files
from scan2sim.objects.prompts import Prompt
from scan2sim.objects.recognize import Recognizer

__all__ = ["MaskSource", "ObjectsConfig", "Prompt", "Recognizer", "build_scene", "model_files", "objects_preset"]
