"""Which frames see the same things, from which relative direction: a fast pass over small pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pycolmap
from numpy.typing import NDArray

from scan2sim.coach.config import CoachConfig
from scan2sim.progress import Reporter

__all__ = ["Link", "find_links"]

Array = NDArray[np.float64]
Luma = NDArray[np.uint8]

RATIO = 0.8  # of the angles to the best and the second best match (Lowe 2004)
ERROR = 2.0  # [pixels] from the epipolar line
TRIALS = 50, 400  # at least, at most
USUAL_FOCAL = 1.2  # of the long side, where nothing is known


@dataclass(frozen=True)
class Link:
    """Two frames that share points."""

    first: int
    second: int
    shared: int  # points that agree with one relative pose
    second_from_first: Array  # (3, 3) rotation
    parallax: float  # median angle between the rays to a shared point [degrees]


def find_links(
    pictures: list[Luma],  # (H, W) each
    focals: list[float | None],  # [pixels]
    config: CoachConfig,
    report: Reporter,
) -> list[Link]:
    """Match every frame with those most like it, and keep pairs that agree with one relative pose.

    SIFT features at a fraction of the photos' size are enough to tell whether a frame can be placed, though not to
    place it.  The relative pose is that of the essential matrix which most shared points agree with (Nistér 2004, by
    pycolmap's LO-RANSAC).
    """
    features = _features(pictures, config, report)
    matches = {
        (i, j): _matches(features[i].described, features[j].described)
        for i in range(len(pictures))
        for j in range(i + 1, len(pictures))
    }
    links = []
    chosen = _partners(matches, len(pictures), config)
    for done, (i, j) in enumerate(chosen):
        report("comparing frames", done, len(chosen))
        cameras = _camera(pictures[i], focals[i]), _camera(pictures[j], focals[j])
        link = _link(i, j, features[i].places[matches[i, j][0]], features[j].places[matches[i, j][1]], cameras, config)
        if link is not None:
            links.append(link)
    report("comparing frames", len(chosen), len(chosen))
    return links


@dataclass(frozen=True)
class _Features:
    places: Array  # (N, 2) [pixels]
    described: NDArray[np.float32]  # (N, 128) unit length


def _features(pictures: list[Luma], config: CoachConfig, report: Reporter) -> list[_Features]:
    options = pycolmap.FeatureExtractionOptions()
    options.sift.max_num_features, options.sift.first_octave = config.max_features, 0
    extractor = pycolmap.FeatureExtractor.create(options, pycolmap.Device.cpu)
    features = []
    for i, picture in enumerate(pictures):
        report("looking at frames", i, len(pictures))
        keypoints, descriptors = extractor.extract_from_uint8_array(np.ascontiguousarray(picture))
        places = np.array([(each.x, each.y) for each in keypoints], np.float64).reshape(-1, 2)
        described = descriptors.data.astype(np.float32)
        features.append(_Features(places, described / np.linalg.norm(described, axis=1, keepdims=True).clip(1e-9)))
    report("looking at frames", len(pictures), len(pictures))
    return features


def _matches(mine: NDArray[np.float32], theirs: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the features that are each other's best match, clearly better than the second best."""
    if min(len(mine), len(theirs)) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    alike = mine @ theirs.T
    rows, best = np.arange(len(mine)), alike.argmax(1)
    first = alike[rows, best]
    alike[rows, best] = -1
    clear = np.flatnonzero(np.arccos(first.clip(-1, 1)) < RATIO * np.arccos(alike.max(1).clip(-1, 1)))
    alike[rows, best] = first
    kept = clear[alike[:, best[clear]].max(0, initial=-1) <= first[clear]]  # few columns: quicker than all
    return kept, best[kept]


def _partners(
    matches: dict[tuple[int, int], tuple[NDArray[np.int64], NDArray[np.int64]]], count: int, config: CoachConfig
) -> list[tuple[int, int]]:
    """The pairs worth a closer look: of each frame those with most matches."""
    amount = np.zeros((count, count), int)
    for (i, j), (mine, _) in matches.items():
        amount[i, j] = amount[j, i] = len(mine)
    pairs = set()
    for i in range(count):
        for j in np.argsort(-amount[i], kind="stable")[: config.partners]:
            if amount[i, j] >= config.min_shared:
                pairs.add((min(i, int(j)), max(i, int(j))))
    return sorted(pairs)


def _camera(picture: Luma, focal: float | None) -> pycolmap.Camera:
    height, width = picture.shape
    focal = focal or USUAL_FOCAL * max(height, width)
    return pycolmap.Camera(model="SIMPLE_PINHOLE", width=width, height=height, params=[focal, width / 2, height / 2])


def _link(
    i: int, j: int, mine: Array, theirs: Array, cameras: tuple[pycolmap.Camera, pycolmap.Camera], config: CoachConfig
) -> Link | None:
    options = pycolmap.RANSACOptions()
    options.max_error, options.random_seed = ERROR, config.seed
    options.min_num_trials, options.max_num_trials = TRIALS
    found = pycolmap.estimate_essential_matrix(mine, theirs, cameras[0], cameras[1], options)
    if found is None or found["num_inliers"] < config.min_shared:
        return None
    rotation = np.array(found["cam2_from_cam1"].rotation.matrix())
    inside = np.asarray(found["inlier_mask"], bool)
    rays = [_rays(points[inside], camera) for points, camera in zip((mine, theirs), cameras, strict=True)]
    cosine = ((rays[0] @ rotation.T) * rays[1]).sum(1)
    return Link(i, j, int(inside.sum()), rotation, float(np.degrees(np.median(np.arccos(cosine.clip(-1, 1))))))


def _rays(points: Array, camera: pycolmap.Camera) -> Array:  # (N, 3) unit
    focal, cx, cy = camera.params
    rays = np.column_stack([(points - [cx, cy]) / focal, np.ones(len(points))])
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)
