"""Libraries of things that may stand in for others: opened, measured, compared, exchanged.

`open.py` opens a folder: `sources.py` finds what lies there, `prepare.py` makes objects of meshes in a process of its
own, `index.py` keeps what is known.  `form.py` says how alike two things are, `exchange.py` replaces one by another.
"""

from scan2sim.cousins.assets.config import AssetConfig
from scan2sim.cousins.assets.exchange import replace_object
from scan2sim.cousins.assets.form import Form, form_distance, form_of
from scan2sim.cousins.assets.library import Asset, AssetLibrary, nearest
from scan2sim.cousins.assets.open import open_library, shipped_objects
from scan2sim.cousins.assets.packages import PACKAGES, package_objects
from scan2sim.cousins.assets.sources import Refused

__all__ = [
    "PACKAGES",
    "Asset",
    "AssetConfig",
    "AssetLibrary",
    "Form",
    "Refused",
    "form_distance",
    "form_of",
    "nearest",
    "open_library",
    "package_objects",
    "replace_object",
    "shipped_objects",
]
