"""What is read of a model without its weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from backend.errors import ModelError
from backend.models.bundle import ModelBundle
from backend.models.card import model_id_of, read_card
from backend.models.catalog import find_models
from backend.models.judge_classes import CLASSES
from backend.pocket.world.words import PLACES
from tests.models.fixtures import tiny_folder


def test_sizes_follow_from_the_configuration(tiny1: ModelBundle, pocket: ModelBundle) -> None:
    card = tiny1.card
    assert (card.cell_px, card.native_px, card.size_multiple_px, card.text_length) == (4, 64, 8, 77)
    assert card.cell_px == 2 ** (len(tiny1.vae.config.block_out_channels) - 1)
    assert pocket.card.native_px == pocket.unet.config.sample_size * pocket.card.cell_px
    assert pocket.card.text_length == pocket.tokenizer.model_max_length


def test_prediction_type(tiny1: ModelBundle, tiny2: ModelBundle) -> None:
    assert (tiny1.card.prediction_type, tiny2.card.prediction_type) == ("epsilon", "v_prediction")


def test_spans_point_at_the_words(bundle: ModelBundle) -> None:
    text = "a Red cat, and the red house's roof"
    spans = bundle.card.token_spans(text)
    assert [span.position for span in spans] == list(range(1, len(spans) + 1))
    row = bundle.tokenizer(text)["input_ids"]
    for span in spans:
        alone = bundle.tokenizer.convert_ids_to_tokens(row[span.position]).removesuffix("</w>")
        assert text[span.start : span.end].lower() == alone
    assert any(text[span.start : span.end] == "Red" for span in spans)


def test_spans_are_not_cut(tiny1: ModelBundle) -> None:
    assert len(tiny1.card.token_spans("red " * 200)) == 200
    assert tiny1.card.token_spans("") == ()


def test_length_without_a_tokenizer_limit(model_base: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder("tiny-1", model_base), tmp_path / "model"))
    config = folder / "tokenizer" / "tokenizer_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "model_max_length": 10**30}))
    assert read_card(folder, "model", "Model").text_length == 77


def test_catalog_puts_pocket_first_and_keeps_what_it_refuses(
    model_base: Path, tmp_path: Path
) -> None:
    good = tiny_folder("tiny-1", model_base)
    models = tmp_path / "models"
    shutil.copytree(good, models / "My model (v1)")
    shutil.copytree(good, models / "pickled")
    (models / "pickled" / "unet" / "diffusion_pytorch_model.safetensors").rename(
        models / "pickled" / "unet" / "diffusion_pytorch_model.bin"
    )
    catalog = find_models([models, good, tmp_path / "gone"])
    assert [card.id for card in catalog.cards] == ["pocket", "My-model-v1", "tiny-1"]
    with pytest.raises(ModelError, match="pickled weights"):
        catalog.card("pickled")
    with pytest.raises(ModelError, match="no model folder 'gone'"):
        catalog.card("gone")
    with pytest.raises(ModelError, match="pocket, My-model-v1, tiny-1"):
        catalog.card("other")


def test_two_folders_of_one_name(model_base: Path, tmp_path: Path) -> None:
    good = tiny_folder("tiny-1", model_base)
    for folder_name in ("a", "b"):
        shutil.copytree(good, tmp_path / folder_name / "same")
    cards = find_models([tmp_path / "a", tmp_path / "b"]).cards
    assert [card.id for card in cards] == ["pocket", "same", "same-2"]


@pytest.mark.parametrize(
    ("name", "wanted"), [("sd 1.5", "sd-1-5"), ("ü", "model"), ("x" * 90, "x" * 64)]
)
def test_ids(name: str, wanted: str) -> None:
    assert model_id_of(name) == wanted


def test_a_folder_may_say_what_its_model_knows(tmp_path: Path, pocket: ModelBundle) -> None:
    assert pocket.card.knows == f"{len(CLASSES)} toys in {len(PLACES)} places"
    folder = tmp_path / "other"
    shutil.copytree(tiny_folder("tiny-1", tmp_path), folder)
    assert read_card(folder, "other", "Other").knows == ""
    (folder / "about.json").write_text(json.dumps({"knows": 5}))
    assert read_card(folder, "other", "Other").knows == ""


def test_a_folder_may_say_how_far_its_model_is_trusted(tmp_path: Path, pocket: ModelBundle) -> None:
    assert 0 < pocket.card.picture_strength <= pocket.card.light_only < pocket.card.flat_strength
    folder = tmp_path / "other"
    shutil.copytree(tiny_folder("tiny-1", tmp_path), folder)
    plain = read_card(folder, "other", "Other")
    assert (plain.light_only, plain.picture_strength, plain.flat_strength) == (0, 0.6, 0.6)
    wrong = {"light_only": 2, "picture_strength": True, "flat_strength": 0.7}
    (folder / "about.json").write_text(json.dumps(wrong))
    read = read_card(folder, "other", "Other")
    assert (read.light_only, read.picture_strength, read.flat_strength) == (0, 0.6, 0.7)
