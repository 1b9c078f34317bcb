"""The dynamics as tensors: contacts, the solver and its reference, one differentiable step, the network inside."""

from splatwm.model.contacts import ContactGeometry, Contacts, contact_geometry, find_contacts
from splatwm.model.corrections import Corrections
from splatwm.model.network import ContactNetwork, NetworkConfig
from splatwm.model.problem import SolveInputs
from splatwm.model.solve import Backend, Solved, solve
from splatwm.model.step import Stepped, step

__all__ = [
    "Backend",
    "ContactGeometry",
    "ContactNetwork",
    "Contacts",
    "Corrections",
    "NetworkConfig",
    "SolveInputs",
    "Solved",
    "Stepped",
    "contact_geometry",
    "find_contacts",
    "solve",
    "step",
]
