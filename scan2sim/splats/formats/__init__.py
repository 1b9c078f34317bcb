"""File formats of splats: INRIA's PLY, compressed PLY, SPZ and ``.splat``; every reader takes files from strangers.

`any_format.py` chooses among them, `recognize.py` counts without reading, `ply_header.py` and `spz_container.py` hold
what a file claims against its size, `arrays.py` lets only finite numbers pass, `quantize.py` and `morton.py` serve the
formats that pack.
"""

from scan2sim.splats.formats.antimatter_splat import read_antimatter_splat, write_antimatter_splat
from scan2sim.splats.formats.any_format import SPLAT_SUFFIXES, read_splats, write_splats
from scan2sim.splats.formats.compressed_ply import read_compressed_ply, write_compressed_ply
from scan2sim.splats.formats.ply import read_ply, write_ply
from scan2sim.splats.formats.recognize import count_splats
from scan2sim.splats.formats.spz import encode_spz, read_spz, write_spz

__all__ = [
    "SPLAT_SUFFIXES",
    "count_splats",
    "encode_spz",
    "read_antimatter_splat",
    "read_compressed_ply",
    "read_ply",
    "read_splats",
    "read_spz",
    "write_antimatter_splat",
    "write_compressed_ply",
    "write_ply",
    "write_splats",
    "write_spz",
]
