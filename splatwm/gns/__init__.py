"""A graph network simulator, small and our own, that splatwm's predictions are held against.

Sanchez-Gonzalez et al. 2020, "Learning to simulate complex physics with graph networks": things are particles, and a
network with nothing of mechanics in it tells each particle's acceleration.  `graph.py` makes particles and edges,
`network.py` passes the messages, `train.py` learns from collected episodes, `predict.py` predicts them and
`poses.py` keeps bodies rigid, `file.py` keeps all that is learned in one file.
"""

from splatwm.gns.file import Gns, GnsError, load_gns, save_gns
from splatwm.gns.graph import Graph, Moment, Things, graph_of, nodes_of, particles_of
from splatwm.gns.network import GnsConfig, GraphNetwork
from splatwm.gns.poses import rigid_fit
from splatwm.gns.predict import GnsPredictor
from splatwm.gns.train import GnsTraining, train_gns

__all__ = [
    "Gns",
    "GnsConfig",
    "GnsError",
    "GnsPredictor",
    "GnsTraining",
    "Graph",
    "GraphNetwork",
    "Moment",
    "Things",
    "graph_of",
    "load_gns",
    "nodes_of",
    "particles_of",
    "rigid_fit",
    "save_gns",
    "train_gns",
]
