"""The dynamics: contacts as tensors, the solver and its reference, one differentiable step."""

from splatwm.model.solve import Backend, Solved, SolveInputs, solve

__all__ = ["Backend", "SolveInputs", "Solved", "solve"]
