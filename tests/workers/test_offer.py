"""The offer of this process: what the catalogs hold, as a form needs it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from backend.errors import InputError, ModelError, RequestError
from backend.methods.catalog import METHODS
from backend.models.catalog import Catalog, find_models
from backend.models.model_search import ModelSearch
from backend.workers.offer import CatalogOffer, build_offer, choose_device
from tests.models.test_catalog import LORA, write_weights
from tests.models.tiny import build_tiny_1


@pytest.fixture(scope="module")
def offer() -> CatalogOffer:
    return build_offer((), "cpu")


def test_the_embedded_model_is_first(offer: CatalogOffer) -> None:
    first = offer.models()[0]
    assert (first.id, first.device) == ("pocket", "cpu")
    assert first.native_px >= first.cell_px > 1
    assert offer.card("pocket").native_px == first.native_px
    with pytest.raises(ModelError, match="gone"):
        offer.card("gone")


def test_the_guides_vocabulary_is_read_without_its_weights(offer: CatalogOffer) -> None:
    first = offer.models()[0]
    assert "guide" in first.members
    assert {"cat", "mushroom", "rocket"} <= set(first.classes)
    assert "background" not in first.classes


def test_a_model_without_a_guide_has_no_classes(offer: CatalogOffer) -> None:
    card = replace(find_models(()).cards[0], members={})
    bare = CatalogOffer(Catalog((card,)), "cpu").models()[0]
    assert (bare.members, bare.classes) == ((), ())


def test_every_method_has_its_form(offer: CatalogOffer) -> None:
    facts = {method.id: method for method in offer.methods()}
    assert set(facts) == set(METHODS)
    for method in facts.values():
        assert method.title
        for name, option in method.options["properties"].items():
            if option["type"] in ("integer", "number"):
                low = option.get("minimum", option.get("exclusiveMinimum"))
                assert low is not None
                assert low < option["maximum"]
            assert "enum" not in option or option["default"] in option["enum"]
            offer.check_options(method.id, {name: option["default"]})


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("magic", {}),
        ("collage", {"nonsense": 1}),
        ("collage", {"blur_px": 1e9}),
        ("collage", {"blur_px": float("nan")}),
    ],
)
def test_wrong_options_are_refused(
    offer: CatalogOffer, method: str, options: dict[str, float]
) -> None:
    with pytest.raises(RequestError) as refusal:
        offer.check_options(method, options)
    assert refusal.value.limit
    assert refusal.value.remedy


def test_devices() -> None:
    present = torch.cuda.is_available()
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") == ("cuda" if present else "cpu")
    if not present:
        with pytest.raises(InputError, match="no GPU"):
            choose_device("cuda")


def test_what_was_found_is_described(tmp_path: Path) -> None:
    build_tiny_1(tmp_path / "models" / "toys")
    write_weights(tmp_path / "models" / "style.safetensors", LORA)
    write_weights(
        tmp_path / "models" / "easy.safetensors", {"decoder.conv_in.weight": (8, 4, 3, 3)}
    )
    (tmp_path / "models" / "old.ckpt").write_bytes(b"")
    offer = build_offer(ModelSearch((tmp_path / "models",)), "cpu")
    found = offer.list_found()
    pocket, toys = found.models
    assert [one.lacks for one in pocket.abilities] == [()] * len(pocket.abilities)
    lacks = {one.id: one.lacks for one in toys.abilities}
    assert lacks["tcig"] == ("vqgan", "clip", "guide or deeplab or clipseg")
    assert lacks["collage"] == ()
    assert toys.memory_bytes < toys.size_bytes < 2 * toys.memory_bytes
    assert toys.folder == str(tmp_path / "models")
    assert {one.name: one.kind for one in found.refused} == {
        "old.ckpt": "model",
        "easy.safetensors": "file",
    }
    assert [(one.name, one.folder) for one in found.loras] == [("style", str(tmp_path / "models"))]
    (folder,) = found.model_folders
    assert (folder.models, folder.refused, folder.files, folder.added) == (1, 1, 1, False)
    assert folder.loras == 1
    (tmp_path / "models" / "old.ckpt").unlink()
    offer.search((tmp_path / "gone",))
    assert [one.added for one in offer.list_found().model_folders] == [False, True]
    assert "There is no model folder 'gone'" in offer.list_found().refused[-1].what


def test_refusals_are_logged_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(25):
        (tmp_path / f"{number}.ckpt").write_bytes(b"")
    write_weights(tmp_path / "easy.safetensors", {"decoder.conv_in.weight": (8, 4, 3, 3)})
    build_offer((tmp_path,), "cpu")
    lines = [record.getMessage() for record in caplog.records]
    assert sum("Pickles can run any program" in line for line in lines) == 20
    assert "5 more models cannot be used; lamina doctor lists them" in lines
    assert "1 other files are not used; lamina doctor lists them" in lines
