"""The model that predicts: its settings, how sure it is, and the one file that holds it.

`model.py` says what a model is, `body.py` what it may know of one body, `file.py` keeps it in one safetensors file,
`ensemble.py` varies what is not known and `calibration.py` turns how far its members part into an interval.
"""

from splatwm.trained.body import BodyPhysics, check_body_physics
from splatwm.trained.calibration import Calibration, calibrate, conformal_quantile
from splatwm.trained.ensemble import EnsembleConfig, check_ensemble, members_of, spread_of
from splatwm.trained.file import ModelError, load_model, save_model
from splatwm.trained.model import Model

__all__ = [
    "BodyPhysics",
    "Calibration",
    "EnsembleConfig",
    "Model",
    "ModelError",
    "calibrate",
    "check_body_physics",
    "check_ensemble",
    "conformal_quantile",
    "load_model",
    "members_of",
    "save_model",
    "spread_of",
]
