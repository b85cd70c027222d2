"""Bring the family to the canvas: an autoencoder of pictures of 512 px over the same latents.

It begins as the small autoencoder with every channel twice (``networks.widen_autoencoder``). Its
encoder learns to say of a large picture what the small one says of the picture reduced to a
quarter, so that UNet, ControlNet, preview and learned embeddings stay valid; its decoder learns to
draw large pictures from those latents, whose edges the world gives as sharp as their pixels allow.

The latents are given a little noise, because a UNet's latents are never quite those of a drawing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.pocket.networks.configs import DRAWN_PX, PICTURE_PX, SMALL_AUTOENCODER, reduction
from backend.pocket.networks.networks import OUTER_LEVELS, widen_autoencoder
from backend.pocket.train.autoencoder import as_tensor, reconstruction_loss
from backend.pocket.train.export import export_member, load_trained_autoencoder
from backend.pocket.train.pool import TrainingFlags
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.scenes import FIRST_SEED
from backend.pocket.train.schedule import TrainingPhase, TrainingSchedule
from backend.pocket.world.world import draw_scene

SCENES, CHECK_SCENES = 4000, 48
"""Large drawings that are made, and the first of them, which measure and are not trained on."""
FIRST_LARGE_SEED = FIRST_SEED + 4_000_000
"""Apart from the small drawings, and above all seeds of tests and evaluation."""
SHRINK = PICTURE_PX // DRAWN_PX
CELLS = DRAWN_PX // reduction(SMALL_AUTOENCODER)
CELL_PX = PICTURE_PX // CELLS
CROP_CELLS, CROPS, PICTURES = 16, 3, 2
"""Side of the crops that the decoder learns from, how many a step, and the encoder's pictures."""
ENCODER_SHARE = 0.25
"""Of the time budget; the decoder has the rest."""
ENCODER_RATE, DECODER_RATE = 1e-3, 1.5e-3
MOST_NOISE, MOST_DRIFT = 0.2, 0.25
"""Largest standard deviations of what is added to latents of unit variance: to every cell its own,
and blots of several cells, as a UNet leaves them.
"""
BLOTS = (8, 16)
"""Blots along a side."""
OBJECT_WEIGHT = 2.0
ENERGY_WEIGHT, WINDOW_PX = 1.5, 16
FIRST_LEVELS = 0.3
"""Share of the encoder's training in which its outer levels are shown what the small one's first
convolution says.
"""


def edge_energy_loss(made: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """How far pictures have less edge, or more, than the drawings, window by window.

    An average error is least where an edge whose place is not certain is soft. This one asks for as
    much edge as in the drawing, wherever it lies in its window: for neighbours 1 and 2 px apart,
    the mean of |differences| in windows of 16 px, every 8 px.

    Args:
        made: (n, c, h, w), sides of at least 18.
        truth: of the same shape.
        weight: per pixel, (n, 1, h, w).
    """
    loss = made.new_zeros(())
    for distance_px in (1, 2):
        for axis in (2, 3):
            length = made.shape[axis] - distance_px
            near, far = (one.narrow(axis, 0, length) for one in (made, truth))
            energies = [
                F.avg_pool2d(
                    (one.narrow(axis, distance_px, length) - start).abs(), WINDOW_PX, WINDOW_PX // 2
                )
                for one, start in ((made, near), (truth, far))
            ]
            share = F.avg_pool2d(weight.narrow(axis, 0, length), WINDOW_PX, WINDOW_PX // 2)
            loss = loss + (share * (energies[0] - energies[1]).abs()).mean()
    return loss


@dataclass(frozen=True)
class LargeScenes:
    """Memory-mapped drawings uint8 (n, 512, 512, 3) and which object lies where, uint8 (n, 512,
    512) with 0 = background.
    """

    pictures: NDArray[np.uint8]
    instances: NDArray[np.uint8]

    def draw_rows(self, random: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Numbers of scenes to learn from, ascending."""
        rows = random.choice(len(self.pictures) - CHECK_SCENES, count, replace=False)
        return np.sort(rows) + CHECK_SCENES


def draw_large_scenes(folder: Path, count: int = SCENES) -> LargeScenes:
    """Open the large drawings in the folder; those that are not there yet are drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    shapes = {
        "large": (count, PICTURE_PX, PICTURE_PX, 3),
        "large_instances": (count, PICTURE_PX, PICTURE_PX),
    }
    done = folder / "large.done"
    if not done.exists():
        arrays = [
            np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, shape)
            for name, shape in shapes.items()
        ]
        for index in range(count):
            seed = FIRST_LARGE_SEED + index
            scale = float(np.random.default_rng(index).uniform(0.7, 1.0))
            drawing = draw_scene(seed, PICTURE_PX, (1, 1, 2, 2, 3, 4), scale=scale)
            numbers = np.arange(1, len(drawing.visible) + 1)[:, None, None]
            arrays[0][index], arrays[1][index] = (
                drawing.picture,
                (drawing.visible * numbers).sum(0),
            )
        done.touch()
    pictures, instances = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in shapes)
    return LargeScenes(pictures, instances)


class LargeEncoder(nn.Module):
    """The encoding half of an autoencoder."""

    def __init__(self, network: AutoencoderKL) -> None:
        super().__init__()
        self.encoder, self.quant_conv = network.encoder, network.quant_conv

    def forward(self, pictures: Tensor) -> Tensor:
        """Mean and logarithm of the variance, (n, 2c, h/16, w/16)."""
        moments: Tensor = self.quant_conv(self.encoder(pictures))
        return moments

    def see_colours(self, pictures: Tensor) -> Tensor:
        """What the two outer levels make of pictures: (n, 16, h/4, w/4)."""
        seen: Tensor = self.encoder.get_submodule("conv_in")(pictures)
        for level in range(OUTER_LEVELS):
            seen = self.encoder.get_submodule(f"down_blocks.{level}")(seen)
        return seen


class LargeDecoder(nn.Module):
    """The decoding half of an autoencoder."""

    def __init__(self, network: AutoencoderKL) -> None:
        super().__init__()
        self.post_quant_conv, self.decoder = network.post_quant_conv, network.decoder

    def forward(self, latents: Tensor) -> Tensor:
        """Pictures (n, 3, 16h, 16w) in about -1..1."""
        pictures: Tensor = self.decoder(self.post_quant_conv(latents))
        return pictures


@dataclass(frozen=True)
class CanvasTraining:
    """What both halves are trained with."""

    small: AutoencoderKL
    scenes: LargeScenes
    random: np.random.Generator

    @torch.no_grad()
    def teach(self, pictures: Tensor) -> Tensor:
        """Moments (n, 2c, h, w) that the small encoder gives for large pictures, reduced."""
        reduced = F.avg_pool2d(pictures, SHRINK)
        moments: Tensor = self.small.quant_conv(self.small.encoder(reduced))
        return moments

    def encoder_loss(self, encoder: LargeEncoder, progress: float) -> Tensor:
        """How far the means and, lightly, the variances lie from the small encoder's."""
        rows = self.scenes.draw_rows(self.random, PICTURES)
        pictures = as_tensor(self.scenes.pictures[rows])
        if self.random.random() < 0.5:
            pictures = pictures.flip(3)
        asked = self.teach(pictures)
        with use_mixed_precision():
            found = encoder(pictures).float()
        mean, spread = (found - asked).chunk(2, dim=1)
        loss: Tensor = mean.square().mean() + 0.5 * mean.abs().mean() + 0.01 * spread.abs().mean()
        if progress < FIRST_LEVELS:
            reduced = F.avg_pool2d(pictures, SHRINK)
            wanted: Tensor = self.small.encoder.get_submodule("conv_in")(reduced)
            loss = loss + 3 * (encoder.see_colours(pictures) - wanted).square().mean()
        return loss

    def decoder_loss(self, decoder: LargeDecoder) -> Tensor:
        """How far crops drawn from noisy latents lie from the drawings."""
        rows = self.scenes.draw_rows(self.random, CROPS)
        whole = as_tensor(self.scenes.pictures[rows])
        inside = torch.from_numpy(self.scenes.instances[rows] > 0)[:, None].float()
        mean, log_variance = self.teach(whole).chunk(2, dim=1)
        latents = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        latents = latents + self._draw_errors(mean)
        crops = [self._crop(*each) for each in zip(latents, whole, inside, strict=True)]
        some, truth, objects = (torch.stack(part) for part in zip(*crops, strict=True))
        weight = 1 + OBJECT_WEIGHT * objects
        with use_mixed_precision():
            made = decoder(some)
        made, weight = made.float(), weight / weight.mean()
        energy = edge_energy_loss(made, truth, weight)
        return reconstruction_loss(made, truth, weight) + ENERGY_WEIGHT * energy

    def _draw_errors(self, like: Tensor) -> Tensor:
        """Errors such as a UNet's, mostly small, of another amount in each row."""
        blots = torch.randn(*like.shape[:2], *[int(self.random.choice(BLOTS))] * 2)
        drift = F.interpolate(blots, size=like.shape[-2:], mode="bilinear", align_corners=False)
        amounts = torch.from_numpy(self.random.random(len(like)) ** 1.5).float().view(-1, 1, 1, 1)
        return amounts * (MOST_NOISE * torch.randn_like(like) + MOST_DRIFT * drift)

    def _crop(self, latents: Tensor, picture: Tensor, inside: Tensor) -> tuple[Tensor, ...]:
        y, x = (int(self.random.integers(CELLS - CROP_CELLS + 1)) for _ in range(2))
        cells = (slice(y, y + CROP_CELLS), slice(x, x + CROP_CELLS))
        pixels = tuple(slice(one.start * CELL_PX, one.stop * CELL_PX) for one in cells)
        return latents[:, *cells], picture[:, *pixels], inside[:, *pixels]

    @torch.no_grad()
    def measure(self, network: AutoencoderKL) -> Iterator[str]:
        """The encoder's error, and the pictures' signal-to-noise ratio on objects alone."""
        errors, ratios = [], []
        for row in range(CHECK_SCENES):
            picture = as_tensor(self.scenes.pictures[row : row + 1])
            inside = torch.from_numpy(self.scenes.instances[row : row + 1] > 0)
            asked = self.teach(picture).chunk(2, dim=1)[0]
            latents = network.encode(picture).latent_dist.mode()
            errors.append(float((latents - asked).square().mean()))
            made = network.decode(latents).sample.clamp(-1, 1)
            error = (made - picture).square().mean(1)[inside].mean()
            ratios.append(10 * math.log10(4 / float(error)))
        yield f"latents: mean squared error {np.mean(errors):.4f} of a variance of 1"
        yield f"objects: {np.mean(ratios):.2f} dB"


def train(given: TrainingFlags) -> None:
    """The part ``canvas``: writes ``vae`` of the family."""
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    small = load_trained_autoencoder(given.out)
    network = widen_autoencoder(small)
    random = np.random.default_rng((given.seed, 512))
    training = CanvasTraining(small, draw_large_scenes(given.out / "scenes"), random)
    budget_s = 60 * (given.minutes or 0.0)
    encoder_s = budget_s * ENCODER_SHARE
    learn_encoder = TrainingSchedule(
        LargeEncoder(network),
        TrainingPhase(encoder_s, ENCODER_RATE, given.out / "canvas_encoder.pt", given.resume),
    )
    for progress in learn_encoder.steps():
        learn_encoder.learn(training.encoder_loss(learn_encoder.network, progress))
    learn_decoder = TrainingSchedule(
        LargeDecoder(network),
        TrainingPhase(
            budget_s - encoder_s,
            DECODER_RATE,
            given.out / "canvas_decoder.pt",
            given.resume,
        ),
    )
    for _ in learn_decoder.steps():
        learn_decoder.learn(training.decoder_loss(learn_decoder.network))
    for half in (learn_encoder.average.network, learn_decoder.average.network):
        for name, part in half.named_children():
            getattr(network, name).load_state_dict(part.state_dict())
    network.eval().register_to_config(scaling_factor=1.0)
    print("\n".join(training.measure(network)), flush=True)
    export_member(network, given.family / "vae")
