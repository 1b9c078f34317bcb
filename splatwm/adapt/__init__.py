"""Adaptation: a recording of one body tells the numbers of a model, as far as it can.

`parameters.py` lists the numbers and puts them into a model, `problem.py` says how well a model predicts a recording,
`start.py` and `search.py` seek where that is best, `profile.py` does so for one number alone, `intervals.py` tells what
is known of each number, `doubt.py` how sure the model may be of positions, `adapt.py` does all of it.
"""

from splatwm.adapt.adapt import AdaptConfig, Adapted, Errors, adapt, recording_errors
from splatwm.adapt.intervals import Identified, identify
from splatwm.adapt.parameters import PARAMETERS, Parameter, applied, chosen_parameters, stated_values
from splatwm.adapt.search import Curvature, SearchConfig

__all__ = [
    "PARAMETERS",
    "AdaptConfig",
    "Adapted",
    "Curvature",
    "Errors",
    "Identified",
    "Parameter",
    "SearchConfig",
    "adapt",
    "applied",
    "chosen_parameters",
    "identify",
    "recording_errors",
    "stated_values",
]
