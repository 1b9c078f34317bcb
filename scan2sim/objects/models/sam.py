"""SAM 2 as a source of masks (Ravi et al. 2024, "SAM 2: Segment Anything in Images and Videos")."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from scan2sim.objects.models.weights import SAM2, load_model
from scan2sim.objects.prompts import Prompt

__all__ = ["Sam2", "open_sam"]

# what the published checkpoints were trained with
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PADDING = -10  # label of a point that the network leaves out
AT_ONCE = 16  # objects


class Sam2:
    """Outlines what it is shown by a box and points; a mask source (see ``objects.masks``)."""

    name = "sam2"

    def __init__(self, model: Any) -> None:
        self._model = model
        self._side = int(model.config.prompt_encoder_config.image_size)

    def ask(
        self,
        photo: Tensor,  # (H, W, 3) 0..1
        prompts: Sequence[Prompt],  # K of them, at least one
    ) -> Tensor:  # (K, H, W)
        """Logits of which pixels each object covers: above 0 it does.

        The network sees the photo as a square of its own side, whatever the photo's shape, as it was trained.
        """
        height, width = photo.shape[:2]
        square = interpolate(
            photo.permute(2, 0, 1)[None], size=(self._side, self._side), mode="bilinear", antialias=True
        )
        normal = (square - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        embeddings = self._model.get_image_embeddings(normal)
        scale = torch.tensor([self._side / width, self._side / height])
        points, labels = _points(prompts)
        boxes = torch.tensor([prompt.box for prompt in prompts]).reshape(1, -1, 2, 2)
        points, boxes = (places * scale - 0.5 for places in (points, boxes))  # the network counts from pixel centres
        answers = []
        for start in range(0, len(prompts), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            with torch.no_grad():
                answer = self._model(
                    image_embeddings=embeddings,
                    input_points=points[:, some],
                    input_labels=labels[:, some],
                    input_boxes=boxes[:, some].flatten(2),
                    multimask_output=False,
                )
            answers.append(answer.pred_masks[0])
        return interpolate(torch.cat(answers), size=(height, width), mode="bilinear", align_corners=False)[:, 0]


def open_sam(path: Path) -> Sam2:
    """SAM 2 from a local folder.

    Raises:
        UsageError: transformers is not installed, or the folder does not hold SAM 2 as safetensors.
    """
    return Sam2(load_model(path, SAM2)[0])


def _points(prompts: Sequence[Prompt]) -> tuple[Tensor, Tensor]:  # (1, K, P, 2) [pixels], (1, K, P)
    """All prompts' points, filled up to the same number."""
    most = max(len(prompt.inside) + len(prompt.outside) for prompt in prompts)
    points = torch.zeros(1, len(prompts), most, 2)
    labels = torch.full((1, len(prompts), most), PADDING)
    for k, prompt in enumerate(prompts):
        n, m = len(prompt.inside), len(prompt.outside)
        points[0, k, : n + m] = torch.cat([prompt.inside, prompt.outside])
        labels[0, k, :n], labels[0, k, n : n + m] = 1, 0
    return points, labels
