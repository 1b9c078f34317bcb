"""Everything that training changes, and one step of it."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from scan2sim.errors import FitError
from scan2sim.fit.config import FitConfig
from scan2sim.fit.densify_error import ErrorStrategy
from scan2sim.fit.densify_gradient import GradientStrategy
from scan2sim.fit.densify_mcmc import McmcStrategy
from scan2sim.fit.depth import DepthSamples, point_samples, sensor_samples, sensor_scale
from scan2sim.fit.exposure import Exposure
from scan2sim.fit.floaters import find_floaters
from scan2sim.fit.importance import most_important, painted_pixels
from scan2sim.fit.loss import depth_term, normal_term, shape_terms
from scan2sim.fit.parameters import Parameters
from scan2sim.fit.photos import Photo
from scan2sim.fit.pose_refinement import PoseRefinement
from scan2sim.fit.rows import seen
from scan2sim.fit.strategy import Strategy, step_generator
from scan2sim.poses import PosedCapture, PosedFrame
from scan2sim.splats import Gaussians, Rendering, photometric_loss, rasterize

__all__ = ["Training"]

TRANSPARENT = -30.0  # opacity logit
CLEANING_FACTOR = 2  # photos are reduced by this when floaters and importance are looked at


class Training:
    """Gaussians, exposures and cameras under training, after ``done`` steps."""

    def __init__(
        self,
        gaussians: Gaussians,
        posed: PosedCapture,
        frames: tuple[PosedFrame, ...],  # of the posed capture, to train on
        photos: list[Photo],  # of these frames, then invented ones
        config: FitConfig,
    ) -> None:
        self.done = 0
        self.is_whole = True  # False in the midst of changing the state
        self.config, self.photos = config, photos
        self.size = posed.camera_distance
        device = gaussians.means.device
        self.parameters = Parameters(gaussians, config, self.size)
        self.exposure = Exposure(len(photos), config.rates.exposure, device)
        self.refinement = PoseRefinement([photo.camera for photo in photos], self.size, config.poses, device)
        self._strategy = self._choose_strategy()
        self._real = len(frames)
        self._points, self._sensor = _depth_samples(posed, frames, config, device)

    def _choose_strategy(self) -> Strategy:
        name, config = self.config.densify.strategy, self.config
        if name == "default":
            return GradientStrategy(self.parameters, self.size, config)
        if name == "mcmc":
            return McmcStrategy(self.parameters, self.size, config)
        return ErrorStrategy(self.parameters, self.corrected_photos, self.exposure, config)

    def step(self) -> None:
        """Show one photo and learn from it; then add and remove Gaussians, if it is time to.

        Raises:
            FitError: the loss is not finite.
        """
        config, share = self.config, self.done / self.config.steps
        factor = [f for start, f in config.coarse_to_fine if share >= start][-1]
        index = self._shown(self.done)
        rendering, loss = self._look(index, factor, share)
        if not torch.isfinite(loss):
            raise FitError("training diverged (the loss is not finite)", todo="run again with another --seed")
        loss.backward()
        self.is_whole = False
        self._strategy.after_backward(rendering)
        self.parameters.step(share, seen(rendering)[0])
        self.exposure.step()
        self.refinement.step(index, share)
        self._strategy.after_step(self.done + 1, factor)
        self._clean(self.done + 1)
        self.done += 1
        self.is_whole = True

    def _shown(self, step: int) -> int:
        """Photo of a step; where there are invented ones too, real ones have every n-th step."""
        seed, every, invented = self.config.seed, self.config.teachers.photos_every, len(self.photos) - self._real
        if not invented:
            return _photo_of(step, self._real, seed)
        turn, place = divmod(step, every)
        if place == 0:
            return _photo_of(turn, self._real, seed)
        return self._real + _photo_of(turn * (every - 1) + place - 1, invented, seed + 1)

    def _look(self, index: int, factor: int, share: float) -> tuple[Rendering, Tensor]:
        """The photo's rendering and its loss."""
        config, photo, camera = self.config, self.photos[index], self.photos[index].camera_at(factor)
        gaussians = self.parameters.gaussians
        pose = self.refinement.pose(index)[None] if self.refinement.is_active(share) else None
        with_normals = config.normals.weight > 0 and share >= config.normals.start
        drawn = self._thinned(gaussians, share)
        rendering = rasterize(drawn, [camera], world_from_camera=pose, normals=with_normals)
        image = rendering.colors.squeeze(0)  # unlike [0] it costs the gradient no copy
        loss = photometric_loss(image, photo.levels[factor], config.loss.ssim, self.exposure.of(index))
        loss = loss + self.exposure.pull() + shape_terms(gaussians, self.size, share, config.loss)
        for weight, depths in ((config.depth.points, self._points), (config.depth.sensor, self._sensor)):
            samples = depths[index] if index < self._real else None
            if samples is not None and len(samples):
                loss = loss + weight * config.depth.decay**share * depth_term(rendering, samples, config.depth.huber)
        if with_normals:
            loss = loss + config.normals.weight * normal_term(rendering, camera)
        return rendering, loss

    def _thinned(self, gaussians: Gaussians, share: float) -> Gaussians:
        """Random Gaussians made transparent, the others more opaque (Park et al. 2025, "DropGaussian")."""
        dropped = self.config.dropout.share_of(len(self.photos)) * share
        if dropped == 0:
            return gaussians
        random = torch.rand(len(gaussians), generator=step_generator(self.config.seed + 1, self.done))
        kept = (random >= dropped).to(gaussians.means.device)
        opacities = (gaussians.opacities / (1 - dropped)).clamp(1e-6, 1 - 1e-4)
        return replace(gaussians, opacity_logits=torch.where(kept, opacities.logit(), TRANSPARENT))

    def _clean(self, step: int) -> None:
        """Remove floaters and what is over the budget after ``step`` steps, if it is time to."""
        config, steps = self.config, self.config.steps
        factor = max(f for f in self.photos[0].levels if f <= CLEANING_FACTOR)
        if step in {round(share * steps) for share in config.floaters.at}:
            floaters = find_floaters(self.parameters.gaussians, self.corrected_photos(), factor, config.floaters)
            if not floaters.all():
                self.parameters.keep(~floaters)
        over = config.budget is not None and len(self.parameters) > config.budget
        if config.budget is not None and over and step >= round(config.budget_from * steps):
            gaussians = self.parameters.gaussians.detached()
            painted = painted_pixels(gaussians, self.corrected_photos(), factor)
            self.parameters.keep(most_important(painted, config.budget))

    def corrected_photos(self) -> list[Photo]:
        """The photos with their cameras as corrected so far."""
        if self.config.poses.rate == 0:
            return self.photos
        refinement = self.refinement
        return [replace(photo, camera=refinement.corrected(i, photo.camera)) for i, photo in enumerate(self.photos)]

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on exactly from here, as flat tensors."""
        return self.parameters.state() | self.exposure.state() | self.refinement.state() | self._strategy.state()

    def load_state(self, done: int, state: dict[str, Tensor]) -> None:
        """Go on from what :meth:`state` returned after ``done`` steps."""
        self.done = done
        for part in (self.parameters, self.exposure, self.refinement, self._strategy):
            part.load_state(state)


def _photo_of(step: int, photos: int, seed: int) -> int:
    """Every epoch shows each photo once, in an order that depends on nothing but seed and epoch."""
    epoch, place = divmod(step, photos)
    return int(torch.randperm(photos, generator=step_generator(seed, epoch))[place])


def _depth_samples(
    posed: PosedCapture, frames: tuple[PosedFrame, ...], config: FitConfig, device: torch.device
) -> tuple[list[DepthSamples | None], list[DepthSamples | None]]:
    """Per photo what its sparse points and its sensor tell, as far as it is wanted."""
    points: list[DepthSamples | None] = [None] * len(frames)
    sensor: list[DepthSamples | None] = [None] * len(frames)
    if config.depth.points > 0:
        index = {frame.name: i for i, frame in enumerate(posed.frames)}
        points = [point_samples(posed, index[frame.name]).to(device) for frame in frames]
    if config.depth.sensor > 0:
        scale = sensor_scale(posed)
        found = [sensor_samples(frame, scale) for frame in frames]
        sensor = [samples and samples.to(device) for samples in found]
    return points, sensor
