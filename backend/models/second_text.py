"""Stable Diffusion XL's second text encoder, and how its extra vector travels with the words.

SDXL's network is told three things: the token states of two encoders side by side, one pooled
vector of the second encoder, and the picture's size. Everything in Lamina hands on one tensor of
words, so the pooled vector stands in it as one more row, after the last token; a hook of the
network takes it out again and adds the size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from transformers import CLIPTextModelWithProjection, CLIPTokenizer


@dataclass(frozen=True)
class SecondText:
    """A ``CLIPTextModelWithProjection`` with its tokenizer."""

    tokenizer: CLIPTokenizer = field(repr=False)
    encoder: CLIPTextModelWithProjection = field(repr=False)

    def words(self, first: Tensor, text: str) -> Tensor:
        """(1, tokens + 1, w1 + w2): ``first`` (1, tokens, w1), the states of the first encoder
        before its last layer, beside the second's; the last row holds the pooled vector, filled up
        with zeros."""
        row = self.tokenizer(
            text,
            padding="max_length",
            max_length=first.shape[1],
            truncation=True,
            return_tensors="pt",
        )
        seen = self.encoder(row.input_ids.to(first.device), output_hidden_states=True)
        states = torch.cat([first, seen.hidden_states[-2]], dim=-1)
        pooled = functional.pad(
            seen.text_embeds[:, None], (0, states.shape[-1] - seen.text_embeds.shape[-1])
        )
        return torch.cat([states, pooled.to(states)], dim=1)


def split_words(unet: nn.Module, pooled_width: int, cell_px: int) -> None:
    """Let ``unet`` take words with the pooled vector as their last row; sizes are told as those of
    the latents.

    A call that brings ``added_cond_kwargs`` of its own is left as it is.
    """

    def split(
        _: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if named.get("added_cond_kwargs") is not None:
            return given, named
        words: Tensor = (
            named["encoder_hidden_states"] if "encoder_hidden_states" in named else given[2]
        )
        latents: Tensor = named["sample"] if "sample" in named else given[0]
        height_px, width_px = (side * cell_px for side in latents.shape[-2:])
        size = (
            height_px,
            width_px,
            0,
            0,
            height_px,
            width_px,
        )  # as drawn, nothing cropped, as asked for
        added = {
            "text_embeds": words[:, -1, :pooled_width],
            "time_ids": torch.tensor(size, dtype=words.dtype, device=words.device).expand(
                len(words), -1
            ),
        }
        return given[:2], named | {
            "encoder_hidden_states": words[:, :-1],
            "added_cond_kwargs": added,
        }

    unet.register_forward_pre_hook(split, with_kwargs=True)
