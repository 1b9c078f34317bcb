"""Phone apps and data sets that bring cameras, depth or gravity with their pictures: one file per format.

Each has a ``find_…`` that tells from a folder's files whether it is this format and where it begins, and a ``read_…``
that makes a capture of it; beside them what they share: numbers from files that may be damaged, maps of depth, and
pictures that lie as photos.
"""

from scan2sim.capture.apps.arkit_frames import find_arkit_frames, read_arkit_frames
from scan2sim.capture.apps.colmap import find_colmap, read_colmap
from scan2sim.capture.apps.polycam import find_polycam, read_polycam
from scan2sim.capture.apps.record3d import find_record3d, read_record3d
from scan2sim.capture.apps.stray_scanner import find_stray_scanner, read_stray_scanner
from scan2sim.capture.apps.transforms_json import find_transforms, read_transforms

__all__ = [
    "find_arkit_frames",
    "find_colmap",
    "find_polycam",
    "find_record3d",
    "find_stray_scanner",
    "find_transforms",
    "read_arkit_frames",
    "read_colmap",
    "read_polycam",
    "read_record3d",
    "read_stray_scanner",
    "read_transforms",
]
