"""Routing of classes to experts, their names, and the two kinds of experts besides the guide."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

from backend.cli import main
from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.models.deeplab import ARCHITECTURES, VOC, load_deeplab
from backend.models.experts import Expert, Experts
from backend.models.members import Members, read_member
from backend.plan.painted import spellings
from backend.pocket.networks.networks import normalise


class NoSegments:
    def logits(self, pictures: Tensor) -> Tensor:
        return pictures


@dataclass
class AnyPhrase:
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def segmenter_for(self, phrases: tuple[str, ...]) -> NoSegments:
        self.asked.append(phrases)
        return NoSegments()


def experts(*vocabularies: Sequence[str], takes_any: Sequence[AnyPhrase] = ()) -> Experts:
    closed = tuple(
        Expert(f"e{n}", tuple(words), NoSegments()) for n, words in enumerate(vocabularies)
    )
    return Experts(closed, tuple(takes_any))


ANIMALS, THINGS = (
    ("background", "cat", "dog", "tvmonitor"),
    ("sofa", "car, auto", "cat", "potted plant"),
)


def test_each_class_goes_to_the_first_that_knows_it() -> None:
    routes = experts(ANIMALS, THINGS).route(("auto", "cat", "couch", "dog", "cat"))
    assert [(expert.name, share) for expert, share in routes] == [
        ("e0", (("cat", 1), ("dog", 2))),
        ("e1", (("auto", 1), ("couch", 0))),
    ]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("airplane", "aeroplane"),
        ("TV", "tvmonitor"),
        ("dining table", "diningtable"),
        ("Cats", "cat"),
        ("bus", "bus"),
    ],
)
def test_aliases(name: str, known: str) -> None:
    assert known in spellings(name)
    assert Expert("e", ("background", known), NoSegments()).channel(name) == 1


def test_cocos_names_find_all_of_deeplabs_classes() -> None:
    coco = (
        "airplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,dining "
        "table,dog,horse,motorcycle,person,potted plant,"
        "sheep,couch,train,tv"
    )
    deeplab = Expert("deeplab", tuple(VOC.split(",")), NoSegments())
    assert [deeplab.channel(name) for name in coco.split(",")] == list(range(1, 21))


def test_the_class_in_a_phrase() -> None:
    known = experts(ANIMALS, THINGS)
    assert known.class_in("an orange dotted cat") == "cat"
    assert known.class_in("a potted plant on a car") == "potted plant"
    assert known.class_in("a cat on a car") == "car"
    assert known.class_in("the background") == ""
    assert known.class_in("a walrus") == ""
    assert experts(ANIMALS, takes_any=[AnyPhrase()]).class_in("a walrus") == "a walrus"


def test_the_open_expert_takes_what_nobody_knows() -> None:
    takes_any = AnyPhrase()
    routes = experts(ANIMALS, takes_any=[takes_any]).route(("walrus", "cat", "blue teapot"))
    assert [share for _, share in routes] == [(("cat", 1),), (("walrus", 0), ("blue teapot", 1))]
    assert takes_any.asked == [("walrus", "blue teapot")]
    assert routes[1][0].background == 2


def test_an_unknown_class_is_told_with_what_is_known() -> None:
    with pytest.raises(RequestError) as caught:
        experts(ANIMALS, [f"word{n}" for n in range(60)]).route(("walrus",))
    assert "cat, dog, tvmonitor, word0" in caught.value.limit
    assert "and 23 more" in caught.value.limit
    assert "clipseg" in caught.value.remedy


@pytest.mark.slow
def test_torchvisions_weights_become_a_member(tmp_path: Path) -> None:
    name = "deeplabv3_mobilenet_v3_large"
    torch.manual_seed(0)
    network = ARCHITECTURES[name](
        weights=None, weights_backbone=None, num_classes=21, aux_loss=True
    ).eval()
    torch.save(network.state_dict(), tmp_path / "deeplab.pth")
    folder = tmp_path / "deeplab"
    assert (
        main(
            [
                "convert",
                "deeplab",
                str(tmp_path / "deeplab.pth"),
                "--to",
                str(folder),
                "--architecture",
                name,
            ]
        )
        == 0
    )
    (tmp_path / "deeplab.pth").unlink()
    assert not any(key.startswith("aux") for key in load_file(folder / "deeplab.safetensors"))
    record = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**record, "short_side_px": 64}))
    assert read_member(folder, "deeplab").weights > 1e6
    deeplab = load_deeplab(folder, torch.device("cpu"), torch.float32)
    picture = torch.rand(1, 3, 48, 40, requires_grad=True)
    scores = deeplab.logits(picture)
    assert scores.shape == (1, 21, 48, 40)
    (gradient,) = torch.autograd.grad(scores.square().sum(), picture)
    assert gradient.abs().sum() > 0
    known = Expert("deeplab", deeplab.vocabulary, deeplab)
    assert known.background == 0
    assert known.channel("motorcycle") == VOC.split(",").index("motorbike")


def test_clipseg_looks_for_any_phrase(tmp_path: Path, tiny1: ModelBundle) -> None:
    """A random CLIPSeg in its real layout: one channel a phrase and a background that scores 0."""
    torch.manual_seed(0)
    size = {
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
    }
    text = {
        **size,
        "vocab_size": len(tiny1.tokenizer),
        "max_position_embeddings": 77,
        "projection_dim": 16,
    }
    ends = {"bos_token_id": len(tiny1.tokenizer) - 2, "eos_token_id": len(tiny1.tokenizer) - 1}
    config = CLIPSegConfig(
        text_config={**text, **ends},
        vision_config={**size, "image_size": 32, "patch_size": 8, "projection_dim": 16},
        projection_dim=16,
        reduce_dim=8,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=16,
        extract_layers=[0, 1, 2],
    )
    CLIPSegForImageSegmentation(config).save_pretrained(tmp_path / "clipseg")
    tiny1.tokenizer.save_pretrained(tmp_path / "clipseg")
    card = read_member(tmp_path / "clipseg", "clipseg")
    segmenter = Members({"clipseg": card}).get("clipseg").segmenter_for(("red walrus", "teapot"))
    pictures = torch.rand(2, 3, 40, 24, requires_grad=True)
    scores = segmenter.logits(pictures)
    assert scores.shape == (2, 3, 40, 24)
    assert not scores[:, 2].any()
    with torch.no_grad():
        square = torch.rand(1, 3, 32, 32)
        theirs = segmenter.network(
            pixel_values=normalise(square), conditional_embeddings=segmenter.words[:1]
        ).logits
        assert torch.allclose(segmenter.logits(square)[0, 0], theirs.reshape(32, 32), atol=1e-4)
    assert not torch.equal(scores[:, 0], scores[:, 1])
    (gradient,) = torch.autograd.grad(scores[1, 0].sum(), pictures)
    assert gradient[1].abs().sum() > 0
    assert not gradient[0].any()
    alone = Members({"clipseg": card}).get("clipseg").segmenter_for(("teapot",))
    assert torch.allclose(alone.logits(pictures)[:, 0], scores[:, 1], atol=1e-4)
