"""LoRAs from a folder to a run: found, named by content in the plan, applied for the run alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from backend import POCKET_FOLDER
from backend.cli import main
from backend.engine.loop_types import Run
from backend.errors import ModelError
from backend.methods.catalog import METHODS
from backend.models.bundle import ModelBundle
from backend.models.cache import ModelCache
from backend.models.catalog import find_models
from backend.models.lora import WeightedLora
from backend.models.model_search import ModelSearch
from backend.plan.build import build_plan
from backend.plan.events import Event, Images, JobFailed, JobFinished, build_images
from backend.plan.plan import Plan
from backend.plan.request import build_request
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.openraster import read_ora, write_ora
from backend.scene.layer import LoraChoice
from backend.scene.scene import Pixels, Scene, build_scene
from backend.workers.headless import number_path
from backend.workers.local import LocalWorker
from backend.workers.offer import CatalogOffer
from tests.models.fixtures import bundle_of, tiny_folder
from tests.models.loras import draw_lora, write_lora
from tests.studio.workshop import compose, scene_with, square_picture

SITE = "mid_block.attentions.0.transformer_blocks.0.attn2.to_q"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A1111's layout with two LoRAs of the pocket family, one of another, and a broken one."""
    root = tmp_path_factory.mktemp("webui") / "models"
    unet = bundle_of(POCKET_FOLDER).unet
    for seed, name in enumerate(("ink", "clay")):
        tensors = draw_lora({"unet": unet}, seed=seed, wanted="attn2")
        write_lora(root / "Lora" / f"{name}.safetensors", tensors)
    other = bundle_of(tiny_folder("tiny-1", tmp_path_factory.getbasetemp())).unet
    write_lora(root / "Lora" / "sub" / "ink.safetensors", draw_lora({"unet": other}))
    (root / "Lora" / "broken.safetensors").write_bytes(b"\x00\x01")
    return root


@pytest.fixture(scope="module")
def search(folder: Path) -> ModelSearch:
    return ModelSearch([folder])


@pytest.fixture(scope="module")
def cache() -> ModelCache:
    return ModelCache(2**32)


def scene_of(pixels: MemoryPixels, *loras: tuple[str, float]) -> Scene:
    scene = build_scene(scene_with(pixels.add_picture(square_picture())))
    chosen = tuple(LoraChoice(name=name, weight=weight) for name, weight in loras)
    return scene.model_copy(update={"loras": chosen})


def plan_of(search: ModelSearch, pixels: MemoryPixels, *loras: tuple[str, float]) -> Plan:
    scene, offer = scene_of(pixels, *loras), CatalogOffer(search, "cpu")
    asked = build_request(compose(steps=3))
    return build_plan(scene, asked, search.card("pocket"), pixels, offer.find_loras(scene))


class Seen:
    """A method that looks at a weight of the network and draws black."""

    def __init__(self) -> None:
        self.weights: list[torch.Tensor] = []
        self.layers: list[Mapping[str, tuple[WeightedLora, ...]]] = []

    def run(self, plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
        layer = bundle.unet.get_submodule(SITE)
        assert isinstance(layer, nn.Linear)
        self.layers.append(bundle.layer_loras)
        self.weights.append(layer.weight.detach().clone())
        yield build_images(0, (np.zeros((plan.height_px, plan.width_px, 3), np.uint8),))


def run(search: ModelSearch, cache: ModelCache, plan: Plan, seen: Seen) -> list[Event]:
    methods = {"collage": replace(METHODS["collage"], run=seen.run)}
    worker = LocalWorker(search, cache, "cpu", methods)
    return list(worker.submit("job", plan, MemoryPixels()).events())


def test_they_are_found_and_listed_by_names_of_their_own(search: ModelSearch) -> None:
    found = CatalogOffer(search, "cpu").list_found()
    assert [(one.name, one.words) for one in found.loras] == [
        ("clay", 128),
        ("ink", 128),
        ("sub/ink", 32),
    ]
    assert [one.name for one in found.refused] == ["broken.safetensors"]
    assert found.model_folders[0].loras == 3


def test_the_plan_names_them_by_content(folder: Path, search: ModelSearch, tmp_path: Path) -> None:
    pixels = MemoryPixels()
    plain, inked = plan_of(search, pixels), plan_of(search, pixels, ("ink", 1.0))
    assert plan_of(search, pixels, ("ink", 0.0)).digest() == plain.digest() != inked.digest()
    assert plan_of(search, pixels, ("ink", 0.5)).digest() != inked.digest()
    copied = tmp_path / "renamed.safetensors"
    copied.write_bytes((folder / "Lora" / "ink.safetensors").read_bytes())
    moved = ModelSearch([copied])
    assert plan_of(moved, pixels, ("renamed", 1.0)).digest() == inked.digest()
    assert moved.find_planned(inked.loras[0]).name == "renamed"
    assert Plan.model_validate_json(inked.model_dump_json()) == inked
    with pytest.raises(ModelError, match="no LoRA “oil” here"):
        plan_of(search, pixels, ("oil", 1.0))
    with pytest.raises(ModelError, match="LoRA “ink” of this recipe is not here"):
        ModelSearch([tmp_path / "gone"]).find_planned(inked.loras[0])


def test_a_run_has_them_and_the_next_one_has_not(search: ModelSearch, cache: ModelCache) -> None:
    pixels, seen = MemoryPixels(), Seen()
    for loras in ((), (("ink", 1.0),), (("ink", 0.5), ("clay", 2.0)), ()):
        events = run(search, cache, plan_of(search, pixels, *loras), seen)
        assert events[-1] == JobFinished()
    plain, inked, both, again = seen.weights
    assert torch.equal(plain, again)
    assert not torch.equal(plain, inked)
    assert not torch.allclose(both, inked)


def test_a_layers_are_planned_for_the_layer_and_leave_the_weights(
    search: ModelSearch, cache: ModelCache
) -> None:
    pixels, seen = MemoryPixels(), Seen()
    scene = scene_of(pixels)
    chosen = (LoraChoice(name="ink", weight=0.5),)
    ball = scene.layers[0].model_copy(update={"loras": chosen})
    scene = scene.model_copy(update={"layers": (ball, *scene.layers[1:])})
    offer, asked = CatalogOffer(search, "cpu"), build_request(compose(steps=3))
    found = offer.find_loras(scene)
    plan = build_plan(scene, asked, search.card("pocket"), pixels, found)
    assert [(one.name, one.weight, one.layer_id) for one in plan.loras] == [("ink", 0.5, ball.id)]
    assert plan.digest() not in {
        plan_of(search, pixels).digest(),
        plan_of(search, pixels, ("ink", 0.5)).digest(),
    }
    hidden = scene.model_copy(
        update={"layers": (ball.model_copy(update={"visible": False}), *scene.layers[1:])}
    )
    assert offer.find_loras(hidden) == ()
    for one in (plan, plan_of(search, pixels)):
        assert run(search, cache, one, seen)[-1] == JobFinished()
    assert torch.equal(*seen.weights)
    assert [list(one) for one in seen.layers] == [[ball.id], []]


@pytest.mark.slow
def test_a_layers_lora_changes_the_picture(search: ModelSearch, cache: ModelCache) -> None:
    pixels = MemoryPixels()
    scene = scene_of(pixels)
    chosen = (LoraChoice(name="ink", weight=1.0),)
    ball = scene.layers[0].model_copy(update={"loras": chosen})
    drawn = []
    for layers in (scene.layers, (ball, *scene.layers[1:]), scene.layers):
        one = scene.model_copy(update={"layers": layers})
        found = CatalogOffer(search, "cpu").find_loras(one)
        asked = build_request(compose(steps=3, count=1))
        plan = build_plan(one, asked, search.card("pocket"), pixels, found)
        events = LocalWorker(search, cache, "cpu").submit("job", plan, pixels).events()
        drawn += [
            image.picture for event in events if isinstance(event, Images) for image in event.images
        ]
    assert np.array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], drawn[1])


def test_another_familys_is_one_sentence_and_the_model_goes_on(
    search: ModelSearch, cache: ModelCache
) -> None:
    pixels, seen = MemoryPixels(), Seen()
    failed = run(search, cache, plan_of(search, pixels, ("sub/ink", 1.0)), seen)[-1]
    assert isinstance(failed, JobFailed)
    assert failed.what == "The LoRA “sub/ink” is made for words of 32 numbers."
    assert failed.limit == "Those of Pocket have 128."
    assert cache.list_ids() == ("pocket",)
    assert run(search, cache, plan_of(search, pixels), seen)[-1] == JobFinished()


def test_a_scene_keeps_them_in_its_file() -> None:
    pixels = MemoryPixels()
    scene = scene_of(pixels, ("ink", -0.5))
    assert read_ora(write_ora(scene, pixels, {}), "ball.ora").scene.loras == scene.loras
    old = scene.model_dump(mode="json", exclude={"loras"})
    assert build_scene(old).loras == ()


def test_one_folder_is_found_in_every_programs_layout(folder: Path, tmp_path: Path) -> None:
    for place in ("loras", "Lora", "sd-1/lora", "server/ComfyUI/models/loras"):
        home = tmp_path / place.replace("/", "-")
        target = home / "models" / place / "ink.safetensors"
        target.parent.mkdir(parents=True)
        target.write_bytes((folder / "Lora" / "ink.safetensors").read_bytes())
        assert [one.name for one in find_models([home]).loras] == ["ink"]


@pytest.mark.slow
def test_render_takes_them(folder: Path, tmp_path: Path) -> None:
    pixels = MemoryPixels()
    scene = tmp_path / "ball.ora"
    scene.write_bytes(write_ora(scene_of(pixels), pixels, {"steps": 2, "count": 1, "seed": 7}))
    out = tmp_path / "ball.png"
    drawn = []
    for flags in ((), ("--lora", "ink"), ("--lora", "ink=0")):
        command = ["render", str(scene), "--out", str(out), "--models", str(folder), *flags]
        assert main(command) == 0
        drawn.append(number_path(out, 0).read_bytes())
    assert drawn[0] == drawn[2] != drawn[1]


@pytest.mark.parametrize(
    ("text", "named"),
    [("oil", "no LoRA “oil”"), ("ink=much", "NAME=WEIGHT"), ("ink=9", "ink=9")],
)
def test_a_wrong_lora_is_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, named: str
) -> None:
    pixels = MemoryPixels()
    scene = tmp_path / "ball.ora"
    scene.write_bytes(write_ora(scene_of(pixels), pixels, {}))
    flags = ["--out", str(tmp_path / "x.png"), "--models", str(folder), "--lora", text]
    assert main(["render", str(scene), *flags]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("lamina: ")
    assert named in line
