"""The latent border: pictures to latents and back, and a cheap view of unfinished latents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.loop_types import FitProgress, Step, explain_memory
from backend.engine.noise import draw
from backend.errors import EngineError
from backend.models.bundle import ModelBundle
from backend.models.preview import preview_of
from backend.scene.imaging.arrays import Picture

DECODE_PX = (
    2**20
)  # pixels decoded at once: four pictures of 512 px; a decoder's activations are its memory peak
CALIBRATION_CELLS = (
    32  # side, in latent cells, of the picture that the preview's projection is fitted on
)


@torch.no_grad()
def encode(bundle: ModelBundle, picture: Picture, generators: Sequence[torch.Generator]) -> Tensor:
    """Latents of one picture, sampled from the encoder's distribution once for each generator.

    The distribution is kept with the bundle, so that making more of the same collage does not
    encode it again.

    Args:
        bundle: whose encoder is asked.
        picture: uint8 (h, w, 3), the sides divisible by the card's ``cell_px``.
        generators: b of them.

    Returns:
        (b, c, h / cell_px, w / cell_px), scaled as the UNet works on them.

    Raises:
        EngineError: the memory is used up.
    """
    name = (
        "distribution",
        picture.shape,
        hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest(),
    )
    mean, deviation = bundle.kept.get(name, lambda: _distribution(bundle, picture)).chunk(2, dim=1)
    samples = [mean + deviation * draw(mean, [generator]) for generator in generators]
    return bundle.vae.config.scaling_factor * torch.cat(samples)


@torch.no_grad()
def encode_mean(bundle: ModelBundle, picture: Picture) -> Tensor:
    """The middle of the encoder's distribution: what inversion begins from.

    Args:
        bundle: whose encoder is asked.
        picture: uint8 (h, w, 3), the sides divisible by the card's ``cell_px``.

    Returns:
        (1, c, h / cell_px, w / cell_px).

    Raises:
        EngineError: the memory is used up.
    """
    mean = _distribution(bundle, picture).chunk(2, dim=1)[0]
    return bundle.vae.config.scaling_factor * mean


def _distribution(bundle: ModelBundle, picture: Picture) -> Tensor:
    """Mean and standard deviation of a picture's latents: (1, 2c, h, w)."""
    with explain_memory():
        distribution = bundle.vae.encode(_normalise(bundle, picture)).latent_dist
    return torch.cat([distribution.mean, distribution.std], dim=1).to(bundle.dtype)


@torch.inference_mode()
def decode(bundle: ModelBundle, latents: Tensor) -> tuple[Picture, ...]:
    """Pictures of finished latents.

    Args:
        bundle: whose decoder is asked.
        latents: (b, c, h, w).

    Returns:
        b pictures, uint8 (h · cell_px, w · cell_px, 3).

    Raises:
        EngineError: numbers are not finite, a picture is flat black, or the memory is used up.
    """
    if not bool(torch.isfinite(latents).all()):
        raise _unusable("The loop ended in numbers that are not finite.")
    pictures: list[Picture] = []
    for part in _parts(bundle, latents):
        with explain_memory():
            unscaled = part.to(bundle.vae.dtype) / bundle.vae.config.scaling_factor
            decoded = bundle.vae.decode(unscaled, return_dict=False)[0]
        if not bool(torch.isfinite(decoded).all()):
            raise _unusable("The decoder made numbers that are not finite.")
        unit = (decoded * 0.5 + 0.5).clamp(0, 1).cpu().permute(0, 2, 3, 1).float().numpy()
        pictures.extend((unit * 255).round().astype(np.uint8))
    if any(not picture.any() for picture in pictures):
        raise _unusable("A picture came out flat black.")
    return tuple(pictures)


def _parts(bundle: ModelBundle, latents: Tensor) -> Iterator[Tensor]:
    one_px = latents.shape[-2] * latents.shape[-1] * bundle.card.cell_px**2
    return iter(torch.split(latents, max(1, DECODE_PX // one_px)))


def _unusable(what: str) -> EngineError:
    return EngineError(
        what,
        remedy=(
            "Try another seed, a lower guidance scale, or more steps; if it stays, check "
            "the model's files."
        ),
    )


def _normalise(bundle: ModelBundle, picture: Picture) -> Tensor:
    unit = torch.from_numpy(picture.astype(np.float32) / 255.0)[None].permute(0, 3, 1, 2)
    return (2.0 * unit - 1.0).to(device=bundle.device, dtype=bundle.vae.dtype)


@torch.no_grad()
def preview(bundle: ModelBundle, step: Step) -> Picture:
    """A cheap picture of the clean latents that a step foresees.

    Colours are a linear function of each latent cell, fitted once per bundle; what is not finite
    shows as grey. The step of a fit brings its pictures. A family's preview decoder, where there is
    one, shows more than colours.

    Args:
        bundle: whose latents they are.
        step: of a loop or of a fit.

    Returns:
        uint8 (n, h, w, 3) of the picture's aspect; its full size, or what a preview decoder gives.
    """
    if isinstance(step, FitProgress):
        return as_bytes(step.denoised).cpu().numpy()
    if "preview" in bundle.members:
        shown = preview_of(bundle).decode(torch.nan_to_num(step.denoised))
        return as_bytes(shown.float() * 0.5 + 0.5).cpu().numpy()
    weights = bundle.kept.get("preview projection", lambda: _fit_projection(bundle))
    cells = torch.nan_to_num(step.denoised.float()).permute(0, 2, 3, 1)
    colours = cells @ weights[:-1] + weights[-1]
    wide = functional.interpolate(
        colours.permute(0, 3, 1, 2), scale_factor=bundle.card.cell_px, mode="bilinear"
    )
    return as_bytes(wide * 0.5 + 0.5).cpu().numpy()


def as_bytes(pictures: Tensor) -> Tensor:
    """Pictures as bytes; what lies beyond 0..1 is cut off.

    Args:
        pictures: float (n, 3, h, w) in 0..1.

    Returns:
        uint8 (n, h, w, 3).
    """
    return (pictures.clamp(0, 1).permute(0, 2, 3, 1) * 255).round().to(torch.uint8)


def _fit_projection(bundle: ModelBundle) -> Tensor:
    """Least squares from the latents of a calibration picture to the mean colours of its cells:
    (c+1, 3).
    """
    cell_px = bundle.card.cell_px
    picture = _normalise(bundle, _calibration_picture(CALIBRATION_CELLS * cell_px))
    latents = bundle.vae.encode(picture).latent_dist.mode() * bundle.vae.config.scaling_factor
    cells = latents[0].float().flatten(1).T
    known = torch.cat([cells, torch.ones_like(cells[:, :1])], dim=1).cpu()
    colours = functional.avg_pool2d(picture.float(), cell_px)[0].flatten(1).T.cpu()
    ridge = 1e-4 * len(known) * torch.eye(known.shape[1])
    solved: Tensor = torch.linalg.solve(known.T @ known + ridge, known.T @ colours)
    return solved.to(bundle.device)


def _calibration_picture(side_px: int) -> Picture:
    """Smooth waves of different lengths in the three colours, so that every hue meets every
    brightness.
    """
    y, x = np.mgrid[0:side_px, 0:side_px] / side_px * 2 * np.pi
    waves = (np.sin(2 * x + y), np.sin(3 * y - x + 1), np.sin(2 * x - 3 * y + 2))
    return ((np.stack(waves, axis=-1) * 0.5 + 0.5) * 255).astype(np.uint8)
