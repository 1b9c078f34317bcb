"""The gsplat backend: on a card against the reference; everywhere what it hands to gsplat, and what it makes of it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from scan2sim.splats import Gaussians, gsplat_backend, rasterize, torch_backend
from scan2sim.splats.rendering import Views
from tests.splats.scenes import PARAMETERS, SCENES, camera, random_like, relative_error, trainable
from tests.splats.test_poses import CAMERAS, objects

IMAGES = ("colors", "alphas", "depths", "features", "normals")


def reference(
    means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor, colors: Tensor, **options: Any
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """The part of ``gsplat.rasterization`` that the backend uses, on the CPU: shapes are asserted as gsplat does."""
    viewmats, matrices, degree = options["viewmats"], options["Ks"], options["sh_degree"]
    batch, count, cameras = means.shape[:-2], means.shape[-2], viewmats.shape[-3]
    assert means.shape == (*batch, count, 3)
    assert quats.shape == (*batch, count, 4)
    assert scales.shape == (*batch, count, 3)
    assert opacities.shape == (*batch, count)
    assert viewmats.shape == (*batch, cameras, 4, 4)
    assert matrices.shape == (*batch, cameras, 3, 3)
    assert options["packed"] is False
    assert options["render_mode"] == "RGB+ED"
    if batch:
        # (B, N, D) is taken for one set of each scene: the backend gives (B, N, D) with one camera for each
        assert degree is None
        assert colors.shape[:-1] == (*batch, count)
        parts = [
            reference(m, q, s, o, c[None], **{**options, "viewmats": v, "Ks": k})
            for m, q, s, o, c, v, k in zip(means, quats, scales, opacities, colors, viewmats, matrices, strict=True)
        ]
        info = {name: torch.stack([part[2][name] for part in parts]) for name in parts[0][2]}
        return torch.stack([p[0] for p in parts]), torch.stack([p[1] for p in parts]), info
    if degree is None:
        assert colors.shape[:-1] == (cameras, count)
    inverse = torch.linalg.inv(viewmats.double())
    views = Views(
        camera_from_object=viewmats.double()[:, None, :3],
        camera_in_object=inverse[:, None, :3, 3],
        world_from_object=None,
        intrinsics=torch.stack([matrices[:, 0, 0], matrices[:, 1, 1], matrices[:, 0, 2], matrices[:, 1, 2]], 1),
        width=options["width"],
        height=options["height"],
        near=options["near_plane"],
        far=options["far_plane"],
        sh_degree=degree or 0,
        antialiased=options["rasterize_mode"] == "antialiased",
    )
    sh = torch.zeros(count, 1, 3).to(means) if degree is None else colors
    gaussians = Gaussians(means, quats, scales.log(), opacities.logit(), sh)
    features = colors if degree is None else None
    r = torch_backend.render(gaussians, views, features, 0, True)
    images = r.colors if degree is not None else r.features
    assert images is not None
    assert r.radii is not None
    assert r.means2d is not None
    info = {"means2d": r.means2d, "radii": r.radii[..., None].expand(*r.radii.shape, 2)}
    return torch.cat([images, r.depths], -1), r.alphas, info


@pytest.fixture
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gsplat_backend, "_rasterization", lambda _: reference)


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("options", [{}, {"antialiased": True, "sh_degree": 1}, {"normals": True, "ids": True}])
@pytest.mark.parametrize("posed", [False, True])
@pytest.mark.parametrize("featured", [False, True])
def test_what_gsplat_is_asked_for(posed: bool, featured: bool, options: dict[str, Any]) -> None:
    scene, poses = objects()
    found = []
    for backend in ("gsplat", "torch"):
        leaves = trainable(scene, torch.float64)
        features = random_like(torch.zeros(60, 2, dtype=torch.float64), 1) if featured else None
        placed = poses.clone().requires_grad_() if posed else None
        r = rasterize(leaves, CAMERAS, poses=placed, features=features, backend=backend, **options)
        loss = sum((random_like(i, k) * i).sum() for k, n in enumerate(IMAGES) if (i := getattr(r, n)) is not None)
        assert isinstance(loss, Tensor)
        loss.backward()
        images = [i for n in (*IMAGES, "ids") if (i := getattr(r, n)) is not None]
        gradients = [getattr(leaves, name).grad for name in PARAMETERS]
        if placed is not None and placed.grad is not None:
            # quaternions are read off rotation matrices: only the gradient along rotations is defined
            around = poses[..., :3, :3].mT @ placed.grad[..., :3, :3]
            gradients += [around - around.mT, placed.grad[..., :3, 3]]
        found.append([t.detach().double() for t in (*images, *gradients)])
    for gsplat, truth in zip(*found, strict=True):
        assert relative_error(gsplat, truth) < 1e-6


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("name", ["not finite", "none", "one"])
def test_degenerate_scenes_reach_gsplat_harmless(name: str) -> None:
    scene, cameras = SCENES[name]
    found = rasterize(scene, cameras, backend="gsplat")
    torch.testing.assert_close(found.colors, rasterize(scene, cameras, backend="torch").colors, atol=1e-5, rtol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA card")
@pytest.mark.parametrize("name", SCENES)
def test_gsplat_is_torch_on_the_card(name: str) -> None:
    pytest.importorskip("gsplat", reason="needs gsplat: pip install 'scan2sim[cuda]'")
    scene, cameras = SCENES[name]
    found = []
    for backend, device, dtype in (("gsplat", "cuda", torch.float32), ("torch", "cpu", torch.float64)):
        leaves = trainable(scene.to(device), dtype)
        r = rasterize(leaves, cameras, backend=backend, normals=True)  # pyright: ignore[reportArgumentType]
        loss = sum((random_like(i.cpu(), k).to(i) * i).sum() for k, i in enumerate((r.colors, r.alphas, r.depths)))
        assert isinstance(loss, Tensor)
        loss.backward()
        found.append([r.colors, r.alphas, r.depths, r.normals, *(getattr(leaves, p).grad for p in PARAMETERS)])
    for gsplat, truth in zip(*found, strict=True):
        assert relative_error(gsplat.detach().cpu(), torch.nan_to_num(truth.detach())) < 5e-3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA card")
def test_poses_on_the_card() -> None:
    pytest.importorskip("gsplat", reason="needs gsplat: pip install 'scan2sim[cuda]'")
    scene, poses = objects()
    found = rasterize(scene.to("cuda"), [camera()] * 2, poses=poses, ids=True)
    truth = rasterize(scene, [camera()] * 2, poses=poses, ids=True)
    assert relative_error(found.colors.cpu(), truth.colors) < 1e-3
    assert found.ids is not None
    assert truth.ids is not None
    assert (found.ids.cpu() != truth.ids).float().mean() < 5e-3
