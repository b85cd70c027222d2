"""Segmenters: any semantic segmenter of transformers loads by its config, and a picture can follow
its gradient.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import (
    ConvNextConfig,
    SegformerConfig,
    SegformerForSemanticSegmentation,
    UperNetConfig,
    UperNetForSemanticSegmentation,
)

from backend.errors import ModelError
from backend.models.segmenter import Segmenter, load_segmenter

CPU = torch.device("cpu")
WORDS = {0: "wall", 1: "car, auto", 2: "tree"}


def write_segformer(folder: Path) -> Path:
    """A random SegFormer as the real ones lie on a disk: processor record beside it."""
    torch.manual_seed(0)
    config = SegformerConfig(
        num_encoder_blocks=2,
        depths=[1, 1],
        sr_ratios=[2, 1],
        hidden_sizes=[8, 16],
        patch_sizes=[7, 3],
        strides=[4, 2],
        num_attention_heads=[1, 2],
        mlp_ratios=[2, 2],
        decoder_hidden_size=16,
        id2label=WORDS,
        label2id={word: k for k, word in WORDS.items()},
    )
    SegformerForSemanticSegmentation(config).save_pretrained(folder)
    record = {"do_normalize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}
    (folder / "preprocessor_config.json").write_text(json.dumps(record))
    return folder


def write_upernet(folder: Path) -> Path:
    """A random UperNet over ConvNeXt, without a processor record."""
    torch.manual_seed(0)
    backbone = ConvNextConfig(
        num_channels=3,
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        out_features=["stage1", "stage2", "stage3"],
    )
    config = UperNetConfig(
        backbone_config=backbone,
        hidden_size=16,
        pool_scales=[1, 2],
        use_auxiliary_head=False,
        id2label=WORDS,
        label2id={word: k for k, word in WORDS.items()},
    )
    UperNetForSemanticSegmentation(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def segformer(tmp_path_factory: pytest.TempPathFactory) -> Segmenter:
    """A loaded random SegFormer."""
    return load_segmenter(write_segformer(tmp_path_factory.mktemp("segformer")), CPU, torch.float32)


def test_logits_have_the_pictures_size_and_the_folders_words(segformer: Segmenter) -> None:
    assert segformer.vocabulary == ("wall", "car, auto", "tree")
    assert segformer.logits(torch.rand(2, 3, 50, 70)).shape == (2, 3, 50, 70)


def test_pictures_are_normalised_as_the_folder_says(segformer: Segmenter) -> None:
    picture = torch.rand(1, 3, 32, 32)
    seen: list[torch.Tensor] = []
    watch = segformer.network.register_forward_pre_hook(
        lambda _, __, given: seen.append(given["pixel_values"]), with_kwargs=True
    )
    segformer.logits(picture)
    watch.remove()
    assert torch.allclose(seen[0], (picture - 0.5) / 0.25)


def test_the_gradient_agrees_with_finite_differences(segformer: Segmenter) -> None:
    picture = torch.rand(
        1, 3, 32, 32, generator=torch.Generator().manual_seed(3), requires_grad=True
    )
    segformer.logits(picture).log_softmax(1)[:, 2].mean().backward()
    assert picture.grad is not None
    step = 2e-2 * picture.grad / picture.grad.norm()
    with torch.no_grad():
        more, less = (
            segformer.logits(picture + s).log_softmax(1)[:, 2].mean() for s in (step, -step)
        )
    assert float(more - less) == pytest.approx(2 * 2e-2 * float(picture.grad.norm()), rel=0.05)
    assert not any(weight.requires_grad for weight in segformer.network.parameters())


def test_one_spelling_of_several_names_a_label(segformer: Segmenter) -> None:
    assert segformer.label("Auto") == segformer.label("car") == segformer.label("car, auto") == 1
    with pytest.raises(ModelError, match=r"knows no 'dragon'.*wall, car, auto, tree"):
        segformer.label("dragon")


def test_another_architecture_comes_through_the_same_door(tmp_path: Path) -> None:
    upernet = load_segmenter(write_upernet(tmp_path), CPU, torch.float32)
    assert type(upernet.network).__name__ == "UperNetForSemanticSegmentation"
    assert upernet.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert upernet.logits(torch.rand(1, 3, 64, 48)).shape == (1, 3, 64, 48)


def test_a_network_of_another_trade_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "bert", "architectures": ["BertModel"]})
    )
    with pytest.raises(ModelError, match="no semantic segmenter"):
        load_segmenter(tmp_path, CPU, torch.float32)


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    write_segformer(tmp_path)
    record = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**record, "depths": [1, 2]}))
    with pytest.raises(ModelError, match="lacks"):
        load_segmenter(tmp_path, CPU, torch.float32)


def test_a_picture_larger_than_the_processor_says_is_seen_reduced(tmp_path: Path) -> None:
    """The answer has the picture's size all the same."""
    folder = write_segformer(tmp_path / "guide")
    record = json.loads((folder / "preprocessor_config.json").read_text())
    resized = {**record, "do_resize": True, "size": {"height": 32, "width": 32}}
    large = torch.rand(1, 3, 64, 64).repeat_interleave(2, -1).repeat_interleave(2, -2)
    plain = load_segmenter(folder, CPU, torch.float32)
    assert plain.side_px is None
    (folder / "preprocessor_config.json").write_text(json.dumps(resized))
    reduced = load_segmenter(folder, CPU, torch.float32)
    assert reduced.side_px == 32
    assert reduced.logits(large).shape == plain.logits(large).shape == (1, 3, 128, 128)
    assert not torch.allclose(reduced.logits(large), plain.logits(large))
    small = torch.rand(1, 3, 32, 32)
    assert torch.equal(reduced.logits(small), plain.logits(small))
