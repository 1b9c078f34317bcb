"""The model that predicts: its settings, how sure it is, and the one file that holds it.

`model.py` says what a model is, `file.py` keeps it in one safetensors file, `ensemble.py` varies what is not known and
`calibration.py` turns how far its members part into an interval.
"""

from splatwm.model.calibration import Calibration, calibrate
from splatwm.model.ensemble import EnsembleConfig, members_of, spread_of
from splatwm.model.file import ModelError, load_model, save_model
from splatwm.model.model import Model

__all__ = [
    "Calibration",
    "EnsembleConfig",
    "Model",
    "ModelError",
    "calibrate",
    "load_model",
    "members_of",
    "save_model",
    "spread_of",
]
