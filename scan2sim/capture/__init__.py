"""Files from a phone become frames: a folder or zip of photos, or a video.

``read`` picks the format, ``formats`` is the table that a new format joins with one line; one file per format
(``photos``, ``archive``, ``video``), and beside them what they share: kinds by magic bytes, safe decoding, EXIF,
names, scores, and the capture on disk.
"""

from scan2sim.capture.config import CaptureConfig
from scan2sim.capture.frames import Capture, DroppedFile, Frame
from scan2sim.capture.read import read_capture
from scan2sim.capture.store import load_capture, save_capture

__all__ = ["Capture", "CaptureConfig", "DroppedFile", "Frame", "load_capture", "read_capture", "save_capture"]
