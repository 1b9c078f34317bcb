"""Trajectories: collected from a simulator, read from real recordings, stored.

`stage.py` and `procedural.py` make what motions begin from, `starts.py`, `pushing.py` and `grasping.py` draw them,
`world.py` is MuJoCo with links that go where they are told, `simulate.py` makes episodes, `shards.py` and `collect.py`
many of them.
`episode.py` says what an episode is, `packing.py` and `store.py` keep them on disk.  `recording.py` reads real ones,
`recorded_motion.py`, `recorded_body.py` and `free_fall.py` find out whether they are what they say.
"""

from splatwm.data.collect import collect
from splatwm.data.episode import GRAVITY, Episode, body_digest
from splatwm.data.free_fall import Fall, falling_acceleration
from splatwm.data.packing import DataError
from splatwm.data.procedural import HELD_OUT_FAMILIES, TRAINING_FAMILIES, Part, procedural_stage
from splatwm.data.recorded_body import require_body
from splatwm.data.recorded_links import RecordedLinks
from splatwm.data.recording import Recording, RecordingError, read_recording
from splatwm.data.shards import CollectConfig, Sources
from splatwm.data.simulate import KINDS, EpisodeConfig, replay
from splatwm.data.split import Split, split_episodes
from splatwm.data.stage import Stage, stage_of_scene
from splatwm.data.store import Data, Shard, add_body, open_data, write_manifest, write_shard
from splatwm.data.world import Links, Physics, Poses, State, World

__all__ = [
    "GRAVITY",
    "HELD_OUT_FAMILIES",
    "KINDS",
    "TRAINING_FAMILIES",
    "CollectConfig",
    "Data",
    "DataError",
    "Episode",
    "EpisodeConfig",
    "Fall",
    "Links",
    "Part",
    "Physics",
    "Poses",
    "RecordedLinks",
    "Recording",
    "RecordingError",
    "Shard",
    "Sources",
    "Split",
    "Stage",
    "State",
    "World",
    "add_body",
    "body_digest",
    "collect",
    "falling_acceleration",
    "open_data",
    "procedural_stage",
    "read_recording",
    "replay",
    "require_body",
    "split_episodes",
    "stage_of_scene",
    "write_manifest",
    "write_shard",
]
