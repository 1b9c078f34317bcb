"""Impulses that a step begins with, as in rollouts: those of the same contacts at the end of the step before."""

from __future__ import annotations

import torch
from torch import Tensor

from splatwm.model import Contacts, Stepped, contact_geometry
from splatwm.model.rigid import rotation_matrix
from splatwm.state import State

__all__ = ["warm_impulses"]

PRIME = 1_000_003


def warm_impulses(
    before: Stepped,
    contacts: Contacts,  # of the same batch, a step later
    state: State,  # where they are
) -> Tensor:  # (C, 6), zero where a contact is new; without gradients
    """What presses on, turned into the contacts' frames of now."""
    with torch.no_grad():
        impulse = torch.zeros(len(contacts), 6).to(state.position)
        if not len(contacts) or not len(before.contacts):
            return impulse
        old_frame, frame = _frames(before.contacts, before.state), _frames(contacts, state)
        known, order = _names(before.contacts).sort()
        names = _names(contacts)
        place = torch.searchsorted(known, names).clamp(max=len(known) - 1)
        same, row = known[place] == names, order[place]
        turn = frame @ old_frame[row].transpose(1, 2)
        parts = before.impulse.detach()[row].reshape(-1, 2, 3)
        impulse[same] = (parts @ turn.transpose(1, 2)).reshape(-1, 6)[same]
        return impulse


def _frames(contacts: Contacts, state: State) -> Tensor:  # (C, 3, 3)
    rotation = rotation_matrix(state.wxyz.flatten(0, 1))
    arm = (rotation @ state.center_of_mass.flatten(0, 1)[..., None])[..., 0]
    return contact_geometry(contacts, state.position.flatten(0, 1) + arm, rotation).frame


def _names(contacts: Contacts) -> Tensor:  # (C,) the same for the same contact of the same environment
    count = len(contacts.offsets) - 1
    environment = torch.repeat_interleave(torch.arange(count), contacts.offsets.diff())
    return contacts.key * PRIME + environment
