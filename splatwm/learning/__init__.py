"""Learning the contact network's weights from trajectories.

`frames.py` holds trajectories as tensors and draws moments of them, `warm.py` finds what a step begins with, `loss.py`
says how wrong it is, `learn.py` is the loop, `checkpoint.py` keeps its state so that it goes on exactly, `curves.py`
draws how it went, and `latents.py` infers what a body is like from how it moved.
"""

from splatwm.learning.curves import write_curves
from splatwm.learning.frames import Frames, Moments, frames_of, split_frames
from splatwm.learning.latents import LatentConfig, infer_latents, with_latents
from splatwm.learning.learn import LearnConfig, Learned, learn
from splatwm.learning.loss import step_error, weighted_loss

__all__ = [
    "Frames",
    "LatentConfig",
    "LearnConfig",
    "Learned",
    "Moments",
    "frames_of",
    "infer_latents",
    "learn",
    "split_frames",
    "step_error",
    "weighted_loss",
    "with_latents",
    "write_curves",
]
