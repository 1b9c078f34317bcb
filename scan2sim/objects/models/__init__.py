"""Networks that others have trained: SAM 2 for masks, CLIP for words.

They are used only where a person gives their weights as a local folder, and nothing is ever fetched; the package
``transformers`` (extra ``sam``) is imported only then.
"""

from scan2sim.objects.models.clip import Clip, open_clip
from scan2sim.objects.models.sam import Sam2, open_sam
from scan2sim.objects.models.weights import model_files

__all__ = ["Clip", "Sam2", "model_files", "open_clip", "open_sam"]
