"""The dynamics as tensors: contacts, the solver and its reference, one differentiable step."""

from splatwm.model.contacts import ContactGeometry, Contacts, contact_geometry, find_contacts
from splatwm.model.problem import SolveInputs
from splatwm.model.solve import Backend, Solved, solve
from splatwm.model.step import Corrections, Stepped, step

__all__ = [
    "Backend",
    "ContactGeometry",
    "Contacts",
    "Corrections",
    "SolveInputs",
    "Solved",
    "Stepped",
    "contact_geometry",
    "find_contacts",
    "solve",
    "step",
]
