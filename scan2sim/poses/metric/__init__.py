"""Metres and gravity for a posed capture whose size photos alone cannot tell.

Each kind of evidence has a file and is found without the others: ``sensor_poses``, ``sensor_depth``, ``markers``
(``marker_kind`` reads how a person names one), ``sheets`` (``top_view``, ``rectangles`` and ``rectangle_fit`` find it).
``fusion`` and ``gravity`` make one answer of them or say what disagrees; ``measure`` applies it.
"""

from scan2sim.poses.metric.evidence import GravityEvidence, Refused, ScaleEvidence
from scan2sim.poses.metric.fusion import GUESS_SIGMA, fuse_scale
from scan2sim.poses.metric.marker_kind import MARKER_FAMILIES, Marker, parse_marker
from scan2sim.poses.metric.measure import gravity_evidence, into_metres, scale_evidence, sensor_alignment

__all__ = [
    "GUESS_SIGMA",
    "MARKER_FAMILIES",
    "GravityEvidence",
    "Marker",
    "Refused",
    "ScaleEvidence",
    "fuse_scale",
    "gravity_evidence",
    "into_metres",
    "parse_marker",
    "scale_evidence",
    "sensor_alignment",
]
