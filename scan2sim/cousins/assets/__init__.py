"""Libraries of things that may stand in for others: opened, measured, compared, exchanged.

`open.py` opens a folder: `sources.py` finds what lies there, `preparing.py` makes objects of meshes, by `prepare.py` in
child processes, `index.py` keeps what is known.  `form.py` says how alike two things are, `exchange.py` replaces one by
another, `stand.py` scales it and puts it there; `packages.py` knows the objects that other packages bring.
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
