"""A Scene in somebody else's format; each exporter re-opens what it wrote.

`EXPORTERS` is the table of formats: each has a ``write`` that makes a self-contained folder and a ``check`` that opens
it in its own simulator, in a process of its own, and steps it; splat files are drawn and compared.
"""

from scan2sim.export.check import check
from scan2sim.export.gymnasium_export import check_gymnasium, write_gymnasium
from scan2sim.export.mjcf import check_mjcf, write_mjcf
from scan2sim.export.nerfstudio import check_nerfstudio, write_nerfstudio
from scan2sim.export.newton import ENVIRONMENT, newton_python
from scan2sim.export.parity_table import parity, parity_text
from scan2sim.export.splat_files import SPLAT_KINDS, check_splat_file, write_splat_file
from scan2sim.export.table import EXPORTERS, Exporter
from scan2sim.export.urdf import write_urdf
from scan2sim.export.urdf_check import check_urdf

__all__ = [
    "ENVIRONMENT",
    "EXPORTERS",
    "Exporter",
    "SPLAT_KINDS",
    "check",
    "check_gymnasium",
    "check_mjcf",
    "check_nerfstudio",
    "check_splat_file",
    "check_urdf",
    "newton_python",
    "parity",
    "parity_text",
    "write_gymnasium",
    "write_mjcf",
    "write_nerfstudio",
    "write_splat_file",
    "write_urdf",
]
