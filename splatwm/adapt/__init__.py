"""Adaptation: a recording of one body tells the numbers of a model, as far as it can.

`parameters.py` lists the numbers and puts them into a model, `problem.py` says how well a model predicts a recording,
`start.py` and `search.py` seek where that is best, `intervals.py` tells what is known of each number, `adapt.py` does
all of it.
"""

from splatwm.adapt.adapt import AdaptConfig, Adapted, Errors, adapt, recording_errors
from splatwm.adapt.intervals import Identified, identify
from splatwm.adapt.parameters import PARAMETERS, Parameter, applied, chosen_parameters, stated_values
from splatwm.adapt.search import SearchConfig

__all__ = [
    "PARAMETERS",
    "AdaptConfig",
    "Adapted",
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
