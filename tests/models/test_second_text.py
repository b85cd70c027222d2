"""SDXL: the pooled vector travels as one more row of the words, and the network is told what its
pipeline tells it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from backend.engine.conditioning import embed
from backend.errors import ModelError
from backend.models.bundle import ModelBundle
from backend.models.card import read_card
from backend.models.second_text import split_words
from tests.models.fixtures import tiny_folder
from tests.models.tiny import TEXT_LENGTH

XL = pytest.mark.parametrize("bundle", ["tiny-xl"], indirect=True)


class Listener(nn.Module):
    """A network that answers with what it is told besides the latents."""

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        added_cond_kwargs: dict[str, Tensor] | None = None,
    ) -> tuple[Tensor, Any]:
        return encoder_hidden_states, added_cond_kwargs


def test_the_last_row_becomes_the_pooled_vector_and_sizes_follow_the_latents() -> None:
    network = Listener()
    split_words(network, pooled_width=2, cell_px=8)
    words = torch.arange(2 * 4 * 3.0).reshape(2, 4, 3)
    for seen, added in (
        network(torch.zeros(2, 4, 5, 6), torch.tensor(1), encoder_hidden_states=words),
        network(torch.zeros(2, 4, 5, 6), torch.tensor(1), words),
    ):
        assert torch.equal(seen, words[:, :3])
        assert torch.equal(added["text_embeds"], words[:, 3, :2])
        assert added["time_ids"].tolist() == [[40, 48, 0, 0, 40, 48]] * 2


def test_who_tells_them_apart_is_left_alone() -> None:
    network = Listener()
    split_words(network, pooled_width=2, cell_px=8)
    added_words = {"text_embeds": torch.ones(2, 2)}
    words = torch.zeros(2, 4, 3)
    seen, added = network(
        torch.zeros(2, 4, 5, 6),
        torch.tensor(1),
        encoder_hidden_states=words,
        added_cond_kwargs=added_words,
    )
    assert seen is words
    assert added is added_words


@XL
def test_words_are_those_of_both_encoders(bundle: ModelBundle) -> None:
    words = embed(bundle, "a red cat")
    assert words.shape == (1, TEXT_LENGTH + 1, 32 + 24)
    assert words[0, -1, 20:].abs().sum() == 0
    assert embed(bundle, "").abs().sum() == 0
    assert bundle.card.family == "sdxl"


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("unet/config.json", ('"text_time"', '"image"'), "added conditions"),
        (
            "model_index.json",
            ('"CLIPTextModelWithProjection"', '"T5EncoderModel"'),
            "text_encoder_2",
        ),
    ],
)
def test_relatives_with_other_conditions_are_refused(
    model_base: Path, tmp_path: Path, name: str, change: tuple[str, str], sentence: str
) -> None:
    folder = shutil.copytree(tiny_folder("tiny-xl", model_base), tmp_path / "model")
    place = folder / name
    assert change[0] in place.read_text()
    place.write_text(place.read_text().replace(*change))
    with pytest.raises(ModelError, match=sentence):
        read_card(folder, "model", "Model")
