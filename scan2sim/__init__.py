"""scan2sim: a phone scan becomes a simulation.

A capture flows down a corridor (capture → poses → fit → objects) and comes out as a Scene; everything that
leaves the house (exports, simulation, viewer) starts from a Scene.
"""

__version__ = "0.1.0"
