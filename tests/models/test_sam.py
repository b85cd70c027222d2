"""SAM: tiny and released layouts load by one door; clicks and boxes are in the picture's pixels."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from segment_anything import SamAutomaticMaskGenerator, sam_model_registry

from backend.errors import InputError, ModelError
from backend.models import sam as sam_module
from backend.models.sam import CONFIG, SIZES, WEIGHTS, Sam, SamConfig, build_sam, load_sam, save_sam

CPU = torch.device("cpu")
TINY = SamConfig(
    side_px=64,
    patch_px=8,
    encoder_width=16,
    encoder_depth=2,
    encoder_heads=2,
    encoder_mlp_ratio=2.0,
    global_layers=(1,),
    window=3,
    prompt_width=16,
    decoder_mlp=16,
    decoder_heads=2,
    iou_width=16,
    pixel_mean=(100.0, 110.0, 120.0),
    pixel_std=(50.0, 51.0, 52.0),
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Sam:
    """A random SAM with a stem, through its file."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("sam")
    config = replace(TINY, stem=(4, 8, 16))
    save_sam(build_sam(config), config, folder)
    return load_sam(folder, CPU, torch.float32)


def noise(high: int, wide: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (high, wide, 3), dtype=np.uint8)


def test_numbers_that_are_no_weights_come_back(tiny: Sam) -> None:
    assert tiny.network.pixel_mean.flatten().tolist() == [100.0, 110.0, 120.0]
    assert tiny.network.pixel_std.flatten().tolist() == [50.0, 51.0, 52.0]
    assert not any(weight.requires_grad for weight in tiny.network.parameters())


@pytest.mark.parametrize(("high", "wide"), [(64, 64), (40, 90), (200, 120)])
def test_masks_have_the_pictures_size(tiny: Sam, high: int, wide: int) -> None:
    tiny.set_picture(noise(high, wide))
    for cut in (tiny.at_point(wide - 1, 3), tiny.in_box(1, 2, wide - 2, high - 3)):
        assert cut.mask.shape == (high, wide)
        assert cut.mask.dtype == np.bool_
        assert np.isfinite(cut.expected_iou)


def test_the_proposal_of_highest_expectation_is_taken(tiny: Sam) -> None:
    tiny.set_picture(noise(64, 64))
    masks, expected, _ = tiny.predictor.predict(
        point_coords=np.array([[20, 30]]), point_labels=np.ones(1)
    )
    cut = tiny.at_point(20, 30)
    assert cut.expected_iou == pytest.approx(float(expected.max()))
    assert np.array_equal(cut.mask, masks[expected.argmax()])


def test_bad_prompts_are_named(tiny: Sam) -> None:
    with pytest.raises(InputError, match="no picture"):
        Sam(tiny.network).at_point(1, 1)
    tiny.set_picture(noise(30, 50))
    with pytest.raises(InputError, match=r"50, 3 lies outside.*50 × 30 px"):
        tiny.at_point(50, 3)
    with pytest.raises(InputError, match="is empty"):
        tiny.in_box(10, 10, 10, 20)
    with pytest.raises(InputError, match="cannot be cut"):
        tiny.set_picture(np.zeros((8, 8, 4), np.uint8))


def test_the_automatic_masks_work_with_it(tiny: Sam) -> None:
    generator = SamAutomaticMaskGenerator(
        tiny.network, points_per_side=3, pred_iou_thresh=-1e9, stability_score_thresh=-1.0
    )
    found = generator.generate(noise(64, 64))
    assert all(record["segmentation"].shape == (64, 64) for record in found)


def test_a_config_of_other_sizes_than_the_weights_is_refused(tmp_path: Path) -> None:
    save_sam(build_sam(TINY), TINY, tmp_path)
    (tmp_path / CONFIG).write_text(json.dumps({**asdict(TINY), "encoder_depth": 3}))
    with pytest.raises(ModelError, match="does not fit"):
        load_sam(tmp_path, CPU, torch.float32)
    (tmp_path / CONFIG).write_text(json.dumps({**asdict(TINY), "colour": 3}))
    with pytest.raises(ModelError, match="colour"):
        load_sam(tmp_path, CPU, torch.float32)
    (tmp_path / CONFIG).write_text(json.dumps({"size": "vit_x"}))
    with pytest.raises(ModelError, match="vit_b, vit_l, vit_h"):
        load_sam(tmp_path, CPU, torch.float32)


def test_a_released_size_is_asked_for_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sam_module, "SIZES", {**SIZES, "vit_b": TINY})
    save_file(
        {k: v.contiguous() for k, v in build_sam(TINY).state_dict().items()}, tmp_path / WEIGHTS
    )
    (tmp_path / CONFIG).write_text(json.dumps({"size": "vit_b"}))
    loaded = load_sam(tmp_path, CPU, torch.float32)
    kept = load_file(tmp_path / WEIGHTS)
    assert all(
        torch.equal(value, kept[name]) for name, value in loaded.network.state_dict().items()
    )


@pytest.mark.parametrize("size", sorted(SIZES))
def test_the_released_names_and_shapes_are_ours(size: str) -> None:
    with torch.device("meta"):
        ours, theirs = build_sam(SIZES[size]).state_dict(), sam_model_registry[size]().state_dict()
    assert {name: value.shape for name, value in ours.items()} == {
        name: v.shape for name, v in theirs.items()
    }
