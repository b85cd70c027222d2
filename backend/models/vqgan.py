"""VQGAN: pictures as a grid of codes from a learned book (Esser et al., 2021), composed from
taming's modules.

The networks are taming-transformers' encoder, decoder and codebook in the layout of its released
checkpoints: five prefixes ``encoder decoder quantize quant_conv post_quant_conv``, described by
``ddconfig``, ``n_embed`` and ``embed_dim``. Two entries of ``ddconfig`` are ours and absent there:
``patch_px`` (the networks see each square of so many pixels as channels) and ``norm_num_groups``.

It always runs in single precision: in half precision the distances to the codes cancel out.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from taming.modules.diffusionmodules.model import AttnBlock, Decoder, Encoder
from taming.modules.vqvae.quantize import VectorQuantizer
from torch import Tensor, nn
from torch.nn import functional

from backend.errors import ModelError
from backend.models.bundle import ModelBundle

WEIGHTS, CONFIG = "vqgan.safetensors", "config.json"
PREFIXES = ("encoder.", "decoder.", "quantize.", "quant_conv.", "post_quant_conv.")
BETA = 0.25  # the weight of commitment in VQ-VAE and in taming's configurations
COMPARED = 2**25  # distances held at once while codes are looked up: 128 MiB


@dataclass(frozen=True)
class VqganConfig:
    """What describes a VQGAN.

    Attributes:
        ddconfig: handed to taming's encoder and decoder as it is.
        n_embed: number of codes.
        embed_dim: length of a code's vector.
    """

    ddconfig: Mapping[str, Any] = field(repr=False)
    n_embed: int
    embed_dim: int

    @property
    def patch_px(self) -> int:
        """Side of the square of pixels that the networks see as channels; 1 in released
        checkpoints.
        """
        return int(self.ddconfig.get("patch_px", 1))

    @property
    def reduction(self) -> int:
        """Pixels per code along a side."""
        return int(self.patch_px * 2 ** (len(self.ddconfig["ch_mult"]) - 1))


class Vqgan(nn.Module):
    """Pictures to codes' vectors and back.

    Args:
        config: its sizes.
    """

    def __init__(self, config: VqganConfig) -> None:
        super().__init__()
        self.config = config
        given = dict(config.ddconfig)
        with contextlib.redirect_stdout(io.StringIO()):  # the decoder prints its shape
            self.encoder = Encoder(**given)
            self.decoder = Decoder(**given)
        self.quantize = VectorQuantizer(config.n_embed, config.embed_dim, BETA)
        self.quant_conv = nn.Conv2d(given["z_channels"], config.embed_dim, 1)
        self.post_quant_conv = nn.Conv2d(config.embed_dim, given["z_channels"], 1)
        for module in self.modules():
            if isinstance(module, nn.GroupNorm):
                module.num_groups = int(given.get("norm_num_groups", module.num_groups))
            elif isinstance(module, AttnBlock):
                module.__class__ = _Attention  # the weights are the same

    @property
    def codebook(self) -> Tensor:
        """(n_embed, embed_dim)."""
        weight: Tensor = self.quantize.embedding.weight
        return weight

    @property
    def reduction(self) -> int:
        """Pixels per code along a side."""
        return self.config.reduction

    def encode(self, pictures: Tensor) -> Tensor:
        """Vectors before they are snapped to the codebook.

        Args:
            pictures: (n, 3, h, w) in -1..1, the sides divisible by f, the pixels per code.

        Returns:
            (n, embed_dim, h/f, w/f).
        """
        z: Tensor = self.quant_conv(
            self.encoder(functional.pixel_unshuffle(pictures, self.config.patch_px))
        )
        return z

    def decode(self, z: Tensor) -> Tensor:
        """Pictures of vectors.

        Args:
            z: (n, embed_dim, h, w).

        Returns:
            (n, 3, f·h, f·w); values may lie a little beyond -1..1.
        """
        patches: Tensor = self.decoder(self.post_quant_conv(z))
        return functional.pixel_shuffle(patches, self.config.patch_px)

    def codes(self, z: Tensor) -> Tensor:
        """The number of the nearest code at each place.

        Args:
            z: (n, embed_dim, h, w).

        Returns:
            int64 (n, h, w).
        """
        return nearest_codes(z, self.codebook)

    def snap(self, z: Tensor) -> Tensor:
        """The nearest codes' vectors, with the gradient of the identity (straight-through).

        Args:
            z: (n, embed_dim, h, w).

        Returns:
            Of that shape.
        """
        snapped: Tensor = _Snap.apply(z, self.codebook)
        return snapped


class _Attention(AttnBlock):
    """taming's attention by torch's own kernel: the same sums, without a table of all pairs of
    places.
    """

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x)
        query, key, value = (
            project(normed).flatten(2).transpose(1, 2).contiguous()[:, None]
            for project in (self.q, self.k, self.v)
        )
        found = functional.scaled_dot_product_attention(query, key, value)[:, 0]
        passed: Tensor = x + self.proj_out(found.transpose(1, 2).reshape(x.shape))
        return passed


class _Snap(torch.autograd.Function):
    """Forward: the nearest code, exactly. Backward: the gradient as it came, to ``z`` alone."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, book: Tensor) -> Tensor:
        return book[nearest_codes(z, book)].permute(0, 3, 1, 2).to(z.dtype).contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


@torch.no_grad()
def nearest_codes(z: Tensor, book: Tensor) -> Tensor:
    """The nearest row of a codebook by squared distance.

    Args:
        z: (n, c, h, w).
        book: (m, c).

    Returns:
        int64 (n, h, w).
    """
    count, width, height, across = z.shape
    flat = z.float().permute(0, 2, 3, 1).reshape(-1, width)
    norms = book.float().square().sum(1)
    parts = flat.split(max(1, COMPARED // len(book)))
    found = [torch.addmm(norms, part, book.float().T, alpha=-2).argmin(1) for part in parts]
    return torch.cat(found).view(count, height, across)


def read_config(path: Path) -> VqganConfig:
    """The description of a VQGAN; a ModelError names an entry that is missing."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return VqganConfig(
            dict(record["ddconfig"]), int(record["n_embed"]), int(record["embed_dim"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            (
                f"{path.parent.name}/{path.name} does not describe a VQGAN "
                f"({type(error).__name__}: {str(error)[:80]})."
            ),
            limit="It needs ddconfig, n_embed and embed_dim.",
            remedy="Write it by lamina convert vqgan FILE, or copy the folder again.",
        ) from error


def load_vqgan(folder: Path, device: torch.device, dtype: torch.dtype) -> Vqgan:
    """The VQGAN of a folder, in single precision; every weight must be there.

    Args:
        folder: the member's own.
        device: where it shall be.
        dtype: has no effect.

    Raises:
        ModelError: the description lacks an entry.
        RuntimeError: weights and description do not belong together.
    """
    network = Vqgan(read_config(folder / CONFIG))
    weights = {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}
    network.load_state_dict(weights, strict=True)
    network = network.to(device).eval().requires_grad_(False)
    return (
        network.to(memory_format=torch.channels_last) if device.type == "cpu" else network
    )  # faster there


def vqgan_of(bundle: ModelBundle) -> Vqgan:
    """The VQGAN of a family, loaded once.

    Args:
        bundle: the model.

    Raises:
        ModelError: it has none, or it cannot be loaded.
    """
    network: Vqgan = bundle.members.get("vqgan")
    return network
