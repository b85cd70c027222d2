"""The judge: a small segmenter of the drawn world that names the class and the colour under every
pixel.

It scores pictures that the pocket family makes. It was trained on drawings, blurred, noisy and
passed through the autoencoder, so its own ceiling is its score on *drawings through the
autoencoder*: report that beside every figure.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from backend.models.judge_classes import CLASSES, COLOURS
from backend.models.seeing import fit_area
from backend.scene.imaging.arrays import Labels

WIDTHS = (16, 32, 64, 128)
WEIGHTS, CONFIG = "judge.safetensors", "config.json"
TRAINED_PX = 128
"""Side of the pictures that it was trained on: of larger ones it sees a reduced copy."""
CHUNK = 16
"""Pictures that are looked at together; bounds memory."""


def _conv(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.GroupNorm(8, after), nn.SiLU()
    )


class Residual(nn.Module):
    """x + convolution of x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = _conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same."""
        changed: Tensor = self.branch(x)
        return x + changed


class JudgeSegmenter(nn.Module):
    """Fully convolutional: down to a sixteenth, where a cell sees whole objects; up to a quarter by
    two shortcuts.
    """

    def __init__(self, widths: tuple[int, int, int, int] = WIDTHS) -> None:
        super().__init__()
        a, b, c, d = widths
        self.quarter = nn.Sequential(_conv(3, a, 2), _conv(a, b, 2), Residual(b))
        self.eighth = nn.Sequential(_conv(b, c, 2), Residual(c), Residual(c))
        self.sixteenth = nn.Sequential(_conv(c, d, 2), Residual(d), Residual(d), Residual(d))
        self.to_eighth = _conv(d + c, c)
        self.to_quarter = _conv(c + b, b + a)
        self.answer = nn.Conv2d(b + a, len(CLASSES) + 1 + len(COLOURS), 1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """float (n, 3, h, w) in -1..1 to class scores (n, 17, h/4, w/4) and colour scores (n, 8,
        h/4, w/4).
        """
        quarter: Tensor = self.quarter(pictures)
        eighth: Tensor = self.eighth(quarter)
        up: Tensor = self.to_eighth(torch.cat([_like(self.sixteenth(eighth), eighth), eighth], 1))
        scores: Tensor = self.answer(self.to_quarter(torch.cat([_like(up, quarter), quarter], 1)))
        return scores[:, : len(CLASSES) + 1], scores[:, len(CLASSES) + 1 :]


def _shrink(pictures: Tensor) -> Tensor:
    """Pictures (n, c, h, w) of about the area that the judge was trained on, or smaller ones as
    they are.
    """
    sides = fit_area(pictures.shape[-2:], TRAINED_PX)
    if sides == tuple(pictures.shape[-2:]):
        return pictures
    return F.interpolate(pictures, size=sides, mode="area")


def _like(small: Tensor, large: Tensor) -> Tensor:
    return F.interpolate(small, size=large.shape[-2:], mode="bilinear", align_corners=False)


class Judge:
    """Names what is where. Labels as in ``Drawing``: 0 = background, k + 1 = ``CLASSES[k]`` or
    ``COLOURS[k]``.
    """

    def __init__(self, segmenter: JudgeSegmenter) -> None:
        self.segmenter = segmenter.eval().requires_grad_(False)

    @torch.inference_mode()
    def look(self, pictures: NDArray[np.uint8]) -> tuple[Labels, Labels]:
        """Class labels and colour labels, each int64 (n, h, w), of uint8 pictures (n, h, w, 3)."""
        found: list[tuple[Tensor, Tensor]] = []
        for start in range(0, len(pictures), CHUNK):
            given = torch.from_numpy(np.ascontiguousarray(pictures[start : start + CHUNK]))
            scores = self.segmenter(_shrink(given.permute(0, 3, 1, 2).float() / 127.5 - 1))
            classes, colours = (
                F.interpolate(
                    s, size=given.shape[1:3], mode="bilinear", align_corners=False
                ).argmax(1)
                for s in scores
            )
            found.append((classes, torch.where(classes > 0, colours + 1, 0)))
        return torch.cat([f[0] for f in found]).numpy(), torch.cat([f[1] for f in found]).numpy()

    def classes(self, pictures: NDArray[np.uint8]) -> Labels:
        """Class labels int64 (n, h, w) of uint8 pictures (n, h, w, 3)."""
        return self.look(pictures)[0]

    def colours(self, pictures: NDArray[np.uint8]) -> Labels:
        """Colour labels int64 (n, h, w) of uint8 pictures (n, h, w, 3); 0 wherever the class is
        background.
        """
        return self.look(pictures)[1]


def save_judge(segmenter: JudgeSegmenter, folder: Path) -> None:
    """Write weights (half precision) and a record of what the labels mean."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: value.half().contiguous() for name, value in segmenter.state_dict().items()},
        folder / WEIGHTS,
    )
    record = {"widths": WIDTHS, "classes": CLASSES, "colours": COLOURS}
    (folder / CONFIG).write_text(json.dumps(record, indent=2) + "\n")


def load_judge(folder: Path) -> Judge:
    """The judge of a family (its ``judge`` folder), on the CPU in single precision."""
    record = json.loads((folder / CONFIG).read_text())
    if tuple(record["classes"]) != CLASSES or tuple(record["colours"]) != COLOURS:
        raise ValueError(
            f"the judge in {folder} was trained for other classes or colours; train it again"
        )
    segmenter = JudgeSegmenter(tuple(record["widths"]))
    segmenter.load_state_dict(
        {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}
    )
    return Judge(segmenter)


def load_member(folder: Path, device: torch.device, dtype: torch.dtype) -> Judge:
    """The judge as a member of a family; it always runs in single precision on the CPU, whatever
    the rest does.
    """
    return load_judge(folder)
