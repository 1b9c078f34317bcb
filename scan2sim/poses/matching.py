"""Feature matches between pairs of frames, verified by epipolar geometry."""

from __future__ import annotations

from dataclasses import dataclass

import pycolmap

from scan2sim.poses.config import PosesConfig
from scan2sim.poses.workspace import Workspace
from scan2sim.progress import Reporter

__all__ = ["MatchEffort", "match_features"]

BATCH = 60  # pairs at least; between batches, of which there are 10 at most, progress is reported


@dataclass(frozen=True)
class MatchEffort:
    """Which matches are believed."""

    max_ratio: float = 0.8  # Lowe's ratio of the distances to the best and the second-best match
    min_inliers: int = 15  # that agree with one epipolar geometry
    guided: bool = False  # match again along the epipolar lines: many more matches, 10 to 20 times the work


def match_features(
    workspace: Workspace,
    pairs: list[tuple[int, int]],
    config: PosesConfig,
    effort: MatchEffort,
    report: Reporter,
) -> None:
    """Match the features of these pairs of frames; matches they already have are replaced."""
    _forget(workspace, pairs)
    matching = pycolmap.FeatureMatchingOptions()
    matching.num_threads = 1  # workers race for the threads of COLMAP's BLAS: 1 of 200 runs would match otherwise
    matching.sift.max_ratio = effort.max_ratio
    matching.guided_matching = effort.guided
    verification = pycolmap.TwoViewGeometryOptions()
    verification.min_num_inliers = effort.min_inliers
    verification.ransac.random_seed = config.seed
    pairing = pycolmap.ImportedPairingOptions()
    list_file = workspace.folder / "pairs.txt"
    pairing.match_list_path = list_file
    size = max(BATCH, -(-len(pairs) // 10))
    for start in range(0, len(pairs), size):
        report("matching photos", start, len(pairs))
        batch = pairs[start : start + size]
        list_file.write_text("".join(f"{workspace.names[i]} {workspace.names[j]}\n" for i, j in batch))
        pycolmap.match_image_pairs(workspace.database, matching, pairing, verification, device=pycolmap.Device.cpu)
    report("matching photos", len(pairs), len(pairs))


def _forget(workspace: Workspace, pairs: list[tuple[int, int]]) -> None:
    with pycolmap.Database.open(workspace.database) as database:
        ids = {image.name: image.image_id for image in database.read_all_images()}
        for i, j in pairs:
            a, b = ids[workspace.names[i]], ids[workspace.names[j]]
            if database.exists_matches(a, b):
                database.delete_matches(a, b)
            if database.exists_two_view_geometry(a, b):
                database.delete_two_view_geometry(a, b)
