"""What the shapes in a checkpoint's header say of its networks: widths, depths and completeness."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.errors import ModelError
from backend.models.file_kinds import UNET, Shapes

AUTOENCODER = "first_stage_model."
WORDS = 49408
"""Of CLIP's vocabulary, which no such file brings."""
HEAD_WIDTH = 64
"""Of every attention but the UNet's of 1.x, which has eight heads whatever its width."""
SIZE_NUMBERS = 6
"""The sizes that XL's UNet is told, each as ``addition_time_embed_dim`` numbers."""
TEXT_NAME = re.compile(
    r"(?:text_model\.)?(?:embeddings\.(?:token|position)_embedding\.weight"
    r"|encoder\.layers\.(?P<layer>\d+)\..+|final_layer_norm\.(?:weight|bias))"
    r"|token_embedding\.weight|positional_embedding|ln_final\.(?:weight|bias)"
    r"|transformer\.resblocks\.(?P<block>\d+)\..+|(?P<projection>text_projection)"
)
"""Weights of CLIP's text tower as transformers names them, and as open_clip does."""
PROJECTED = "conditioner.embedders.1.model."
"""Of the one encoder whose pooled vector is used."""


@dataclass(frozen=True)
class FileShapes:
    """The shapes of a file, asked for what is in them.

    Attributes:
        name: of the file, for sentences.
        shapes: of its tensors, by name.
    """

    name: str
    shapes: Shapes = field(repr=False)

    @property
    def has_autoencoder(self) -> bool:
        """Whether there is a whole VAE, under a checkpoint's names or those of its own."""
        found = {name.removeprefix(AUTOENCODER) for name in self.list_autoencoder_names()}
        return {"encoder.conv_in.weight", "decoder.conv_in.weight"} <= found

    def list_autoencoder_names(self) -> Iterator[str]:
        """The names of the VAE's weights."""
        start = self._autoencoder_start
        parts = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
        return (name for name in self.shapes if name.startswith(tuple(start + p for p in parts)))

    def list_text_names(self, prefix: str, layers: int) -> Iterator[str]:
        """The names of those weights of a text encoder that are used.

        Args:
            prefix: how they begin.
            layers: how many of its layers count; 2.x leaves its last one out.
        """
        for name in self.shapes:
            match = (
                TEXT_NAME.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None
            )
            if match is None or (match["projection"] and prefix != PROJECTED):
                continue
            number = match["layer"] or match["block"]
            if number is None or int(number) < layers:
                yield name

    def count_weights(self, names: Iterable[str]) -> int:
        """The number of weights under some names.

        Args:
            names: each in the file.
        """
        return sum(math.prod(self.shapes[name]) for name in names)

    def describe_unet(self, shipped: Mapping[str, Any], has_fixed_heads: bool) -> dict[str, Any]:
        """The UNet's configuration.

        Args:
            shipped: the family's.
            has_fixed_heads: its number of heads does not follow its width.

        Raises:
            ModelError: it is cut down, or lacks weights.
        """
        levels = len(shipped["block_out_channels"])
        per_level = shipped["layers_per_block"] + 1
        blocks = self._count(re.escape(UNET) + r"input_blocks\.(\d+)\.")
        if blocks != levels * per_level:
            raise ModelError(
                f"The UNet of {self.name} has {blocks} blocks before its middle.",
                limit=f"That of its family has {levels * per_level}; small versions have fewer.",
                remedy="Use the diffusers folder of this model.",
            )
        starts = [f"{UNET}input_blocks.{1 + level * per_level}." for level in range(levels)]
        widths = [self._side(start + "0.in_layers.2.weight", 0) for start in starts]
        pattern = r"1\.transformer_blocks\.(\d+)\."
        depths = [self._count(re.escape(start) + pattern) for start in starts]
        first = starts[next((level for level, depth in enumerate(depths) if depth), 0)]
        words = self._side(first + "1.transformer_blocks.0.attn2.to_k.weight", 1)
        found: dict[str, Any] = {
            "block_out_channels": widths,
            "cross_attention_dim": words,
            "transformer_layers_per_block": [max(1, depth) for depth in depths],
            "use_linear_projection": len(self.shapes.get(first + "1.proj_in.weight", ())) == 2,
        }
        if not has_fixed_heads:
            found["attention_head_dim"] = [_heads(width) for width in widths]
        if "addition_embed_type" in shipped:
            pooled = self._side(UNET + "label_emb.0.0.weight", 1)
            found["projection_class_embeddings_input_dim"] = pooled
        return {**shipped, **found}

    def describe_autoencoder(self, shipped: Mapping[str, Any]) -> dict[str, Any]:
        """The VAE's configuration.

        Args:
            shipped: the family's.

        Raises:
            ModelError: it lacks weights.
        """
        start = self._autoencoder_start + "encoder."
        is_renamed = any(name.startswith(start + "down_blocks.") for name in self.shapes)
        block = "down_blocks.{}.resnets.0" if is_renamed else "down.{}.block.0"
        widths = [
            self._side(f"{start}{block.format(level)}.conv1.weight", 0)
            for level in range(len(shipped["block_out_channels"]))
        ]
        return {**shipped, "block_out_channels": widths}

    def describe_text(self, shipped: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        """A text encoder's configuration.

        Args:
            shipped: the family's.
            prefix: how the names of its weights begin.

        Raises:
            ModelError: it lacks weights, or has another vocabulary than CLIP's.
        """
        table, positions, inner = (
            self._find(re.escape(prefix) + end)
            for end in (
                r".*token_embedding\.weight",
                r".*position(_embedding\.weight|al_embedding)",
                r".*s\.0\.mlp\.(fc1|c_fc)\.weight",
            )
        )
        words, width = self._side(table, 0), self._side(table, 1)
        if words != WORDS:
            raise ModelError(
                f"The text encoder of {self.name} knows {words} tokens.",
                limit=f"CLIP's vocabulary has {WORDS}, and the file brings no other.",
                remedy="Use the diffusers folder of this model.",
            )
        layers = self._count(re.escape(prefix) + r".*(?:layers|resblocks)\.(\d+)\.")
        found = {
            "hidden_size": width,
            "intermediate_size": self._side(inner, 0),
            "max_position_embeddings": self._side(positions, 0),
            "num_attention_heads": _heads(width),
            "num_hidden_layers": min(layers, shipped["num_hidden_layers"]),
        }
        if prefix + "text_projection" in self.shapes:
            found["projection_dim"] = self._side(prefix + "text_projection", 1)
        return {**shipped, **found}

    @property
    def _autoencoder_start(self) -> str:
        inside = any(name.startswith(AUTOENCODER) for name in self.shapes)
        return AUTOENCODER if inside else ""

    def _count(self, pattern: str) -> int:
        matches = (re.match(pattern, name) for name in self.shapes)
        return len({match[1] for match in matches if match})

    def _find(self, pattern: str) -> str:
        for name in self.shapes:
            if re.fullmatch(pattern, name):
                return name
        raise self._lack(re.sub(r"\\|\(|\|.*\)", "", pattern).replace(".*", "…"))

    def _side(self, name: str, axis: int) -> int:
        shape = self.shapes.get(name)
        if shape is None:
            raise self._lack(name)
        if len(shape) <= axis or shape[axis] < 1:
            raise ModelError(
                f"{name} of {self.name} has the shape {shape}.", remedy="Download the file again."
            )
        return shape[axis]

    def _lack(self, name: str) -> ModelError:
        return ModelError(
            f"{self.name} lacks {name}.",
            remedy="Download the file again, or another version of it.",
        )


def _heads(width: int) -> int:
    return max(1, width // HEAD_WIDTH)
