"""Segment Anything (Kirillov et al., 2023) in its authors' classes: one click or one box cuts an
object out.

A folder holds ``sam.safetensors`` (the released keys) and ``config.json``: either ``{"size":
"vit_b"}`` (``vit_l``, ``vit_h``) or every number of ``SamConfig``. ``pixel_mean`` and ``pixel_std``
are no weights, so they stand there too. Ours alone is ``stem``: widths of the convolutions that
take the place of the one large patch convolution.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from segment_anything import SamPredictor
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, TwoWayTransformer
from segment_anything.modeling import Sam as SamNetwork
from torch import Tensor, nn

from backend.errors import InputError, ModelError
from backend.models.bundle import ModelBundle
from backend.models.folder import read_json
from backend.scene.imaging.arrays import Mask

WEIGHTS, CONFIG = "sam.safetensors", "config.json"


@dataclass(frozen=True)
class SamConfig:
    """Sizes of the three networks; the defaults are those of the released vit_b. ``side_px`` is the
    input's side.

    ``pixel_mean`` and ``pixel_std`` are red, green, blue in 0..255. ``stem`` is empty in released
    networks.
    """

    side_px: int = 1024
    patch_px: int = 16
    encoder_width: int = 768
    encoder_depth: int = 12
    encoder_heads: int = 12
    encoder_mlp_ratio: float = 4.0
    global_layers: tuple[int, ...] = (2, 5, 8, 11)
    window: int = 14
    stem: tuple[int, ...] = ()
    prompt_width: int = 256
    mask_channels: int = 16
    decoder_depth: int = 2
    decoder_mlp: int = 2048
    decoder_heads: int = 8
    iou_width: int = 256
    pixel_mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    pixel_std: tuple[float, float, float] = (58.395, 57.12, 57.375)

    @property
    def grid(self) -> int:
        """Cells of the encoded picture along a side."""
        return self.side_px // self.patch_px


SIZES: dict[str, SamConfig] = {
    "vit_b": SamConfig(),
    "vit_l": SamConfig(
        encoder_width=1024, encoder_depth=24, encoder_heads=16, global_layers=(5, 11, 17, 23)
    ),
    "vit_h": SamConfig(
        encoder_width=1280, encoder_depth=32, encoder_heads=16, global_layers=(7, 15, 23, 31)
    ),
}
"""The three released sizes, by the names that segment_anything gives them."""


class Stem(nn.Module):
    """Convolutions of stride 2 in place of the patch convolution (early convolutions help a
    transformer to see).

    float (n, 3, h, w) to (n, h/f, w/f, width), f = 2 ** number of ``widths``; the last of them is
    the encoder's width.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *widths), widths, strict=False):
            layers += [
                nn.Conv2d(before, after, 3, 2, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
            layers += [
                nn.Conv2d(after, after, 3, 1, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, pictures: Tensor) -> Tensor:
        """Channels come last, as the transformer's blocks want them."""
        seen: Tensor = self.layers(pictures)
        return seen.permute(0, 2, 3, 1)


def build_sam(config: SamConfig) -> SamNetwork:
    """Fresh networks of these sizes, in segment_anything's own classes."""
    encoder = ImageEncoderViT(
        img_size=config.side_px,
        patch_size=config.patch_px,
        embed_dim=config.encoder_width,
        depth=config.encoder_depth,
        num_heads=config.encoder_heads,
        mlp_ratio=config.encoder_mlp_ratio,
        out_chans=config.prompt_width,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=config.window,
        global_attn_indexes=config.global_layers,
    )
    if config.stem:
        encoder.patch_embed = Stem(config.stem)
    prompts = PromptEncoder(
        embed_dim=config.prompt_width,
        image_embedding_size=(config.grid, config.grid),
        input_image_size=(config.side_px, config.side_px),
        mask_in_chans=config.mask_channels,
    )
    decoder = MaskDecoder(
        transformer_dim=config.prompt_width,
        transformer=TwoWayTransformer(
            depth=config.decoder_depth,
            embedding_dim=config.prompt_width,
            num_heads=config.decoder_heads,
            mlp_dim=config.decoder_mlp,
        ),
        iou_head_hidden_dim=config.iou_width,
    )
    return SamNetwork(encoder, prompts, decoder, list(config.pixel_mean), list(config.pixel_std))


@dataclass(frozen=True)
class Cut:
    """One object cut out.

    Attributes:
        mask: bool (h, w) of the picture.
        expected_iou: the overlap that the network expects of it, about 0..1.
    """

    mask: Mask
    expected_iou: float


class Sam:
    """A picture once, then any number of prompts. Runs in single precision; no gradients."""

    def __init__(self, network: SamNetwork) -> None:
        self.network = network
        self.predictor = SamPredictor(network)
        self._own: tuple[int, int] | None = None

    def set_picture(self, picture: NDArray[np.uint8]) -> None:
        """Look at a picture; its longer side is brought to the network's.

        A picture so long that nothing would be left of its short side is continued downwards or to
        the right by its own last pixels.

        Args:
            picture: uint8 (h, w, 3) of any size.

        Raises:
            InputError: it is something else.
        """
        if (
            picture.ndim != 3
            or picture.shape[2] != 3
            or picture.dtype != np.uint8
            or not picture.size
        ):
            raise InputError(
                f"A picture of shape {picture.shape} and type {picture.dtype} cannot be cut.",
                limit="It must be uint8 (height, width, 3).",
                remedy="Convert it to RGB without alpha.",
            )
        self._own = int(picture.shape[0]), int(picture.shape[1])
        side_px = int(self.network.image_encoder.img_size)
        least = math.ceil(max(self._own) / side_px)
        rest = [(0, max(0, least - side)) for side in self._own]
        widened = np.pad(picture, (*rest, (0, 0)), mode="edge")
        self.predictor.set_image(np.ascontiguousarray(widened))

    def at_point(self, x_px: float, y_px: float) -> Cut:
        """The object under a point: the best of three proposals, by the network's own expectation.

        Args:
            x_px: from the left of the picture.
            y_px: from its top.

        Raises:
            InputError: the point lies outside, or there is no picture yet.
        """
        self._inside(x_px, y_px)
        return self._best(
            point_coords=np.array([[x_px, y_px]]), point_labels=np.ones(1), multimask_output=True
        )

    def in_box(self, x0_px: float, y0_px: float, x1_px: float, y1_px: float) -> Cut:
        """The object in a box; a box names one object, so one proposal is asked for.

        Args:
            x0_px: left, from the left of the picture.
            y0_px: top, from its top.
            x1_px: right.
            y1_px: bottom.

        Raises:
            InputError: the box is empty, or there is no picture yet.
        """
        if not (x0_px < x1_px and y0_px < y1_px):
            raise InputError(
                f"The box {x0_px:g}, {y0_px:g}, {x1_px:g}, {y1_px:g} is empty.",
                limit="Left must be under right and top under bottom.",
                remedy="Draw the box again.",
            )
        return self._best(box=np.array([x0_px, y0_px, x1_px, y1_px]), multimask_output=False)

    def _inside(self, x_px: float, y_px: float) -> None:
        high, wide = self._size()
        if not (0 <= x_px < wide and 0 <= y_px < high):
            raise InputError(
                f"The point {x_px:g}, {y_px:g} lies outside the picture.",
                limit=f"The picture is {wide} × {high} px.",
                remedy="Choose a point inside it.",
            )

    def _size(self) -> tuple[int, int]:
        if self._own is None:
            raise InputError(
                "There is no picture to cut yet.", remedy="Give one with set_picture first."
            )
        return self._own

    def _best(
        self,
        point_coords: NDArray[Any] | None = None,
        point_labels: NDArray[Any] | None = None,
        box: NDArray[Any] | None = None,
        multimask_output: bool = True,
    ) -> Cut:
        high, wide = self._size()
        masks, expected, _ = self.predictor.predict(
            point_coords=point_coords,
            point_labels=point_labels,
            box=box,
            multimask_output=multimask_output,
        )
        best = int(expected.argmax())
        return Cut(masks[best][:high, :wide].astype(bool), float(expected[best]))


def sam_of(bundle: ModelBundle) -> Sam:
    """The SAM of a family, loaded once.

    Args:
        bundle: the model.

    Raises:
        ModelError: it has none, or it cannot be loaded.
    """
    sam: Sam = bundle.members.get("sam")
    return sam


def read_config(folder: Path) -> SamConfig:
    """The sizes from ``config.json``; a ModelError names what is unknown."""
    record = read_json(folder / CONFIG)
    if "size" in record:
        if record["size"] not in SIZES:
            raise ModelError(
                f"{folder.name}/{CONFIG} asks for size {record['size']!r}.",
                limit=f"Known are {', '.join(SIZES)}.",
                remedy="Write one of these names.",
            )
        return SIZES[record["size"]]
    unknown = sorted(set(record) - {field.name for field in fields(SamConfig)})
    if unknown:
        raise ModelError(
            f"{folder.name}/{CONFIG} holds {', '.join(unknown)}, which is unknown.",
            remedy="Take these entries out.",
        )
    given: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in record.items()
    }
    return SamConfig(**given)


def load_sam(folder: Path, device: torch.device, dtype: torch.dtype) -> Sam:
    """A SAM from its folder, in single precision: clicks are placed by sines of them.

    Args:
        folder: the member's own.
        device: where it shall be.
        dtype: has no effect.

    Raises:
        ModelError: weights and sizes do not belong together.
    """
    network = build_sam(read_config(folder))
    weights = {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}
    missing, unexpected = network.load_state_dict(weights, strict=False)
    wrong = [*missing, *unexpected]
    if wrong:
        raise ModelError(
            (
                f"{folder.name}/{WEIGHTS} does not fit its {CONFIG} ({len(wrong)} names, first "
                f"{wrong[0]})."
            ),
            remedy="Check the sizes in the config, or copy the folder again.",
        )
    return Sam(network.to(device).eval().requires_grad_(False))


def save_sam(network: SamNetwork, config: SamConfig, folder: Path) -> None:
    """Write weights in half precision, and sizes; the weights are renamed into place whole.

    Args:
        network: SAM's three networks.
        config: their sizes.
        folder: made where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    fresh = folder / f"{WEIGHTS}.{os.getpid()}.new"
    save_file(weights, fresh)
    fresh.chmod(0o644)
    os.replace(fresh, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(asdict(config), indent=2) + "\n")
