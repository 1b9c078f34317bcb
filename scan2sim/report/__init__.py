"""The quality report: what a build holds, whether it may be trusted, and the page that shows it.

- ``record``: a build folder read leniently; what is missing stays missing
- ``gate``: figures become green, amber or red, each with its reason and what to do
- ``render``: the pictures that are drawn from the splats
- ``attachments``: what other tools left beside the build for the page to show
- ``wording``: figures as people read them
- ``page``: everything on one self-contained HTML page (``template.html``)
- ``evaluate``: a scene beside what is really there (``truth``, ``alignment``, ``shapes``, ``surfaces``, ``pixels``)
"""

from scan2sim.report.attachments import load_picture
from scan2sim.report.evaluate import evaluate
from scan2sim.report.gate import Check, GateConfig, Verdict, gate
from scan2sim.report.page import write_report
from scan2sim.report.render import id_color
from scan2sim.report.truth import Truth, read_truth

__all__ = [
    "Check",
    "GateConfig",
    "Truth",
    "Verdict",
    "evaluate",
    "gate",
    "id_color",
    "load_picture",
    "read_truth",
    "write_report",
]
