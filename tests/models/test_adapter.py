"""Subjects as files, as pictures, and on the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict

from backend.errors import ModelError, RequestError, StoreError
from backend.models.adapter import (
    Adapter,
    adapter_from_bytes,
    adapter_to_bytes,
    check_fits,
    load_adapter,
    prepare_adapter,
    save_adapter,
    weight_changes,
)
from backend.models.bundle import ModelBundle
from backend.plan.request import TrainingMethod
from backend.training.subjects import build_weights
from tests.methods.subjects import build_random_subject


def same(one: Adapter, other: Adapter) -> bool:
    facts = ("kind", "class_word", "model", "fingerprint")
    weights = one.weights.keys() == other.weights.keys()
    return (
        weights
        and all(getattr(one, name) == getattr(other, name) for name in facts)
        and torch.equal(one.vectors, other.vectors)
        and all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)
    )


@pytest.mark.parametrize("kind", tuple(TrainingMethod))
def test_a_subject_survives_as_a_file(
    tiny1: ModelBundle, tmp_path: Path, kind: TrainingMethod
) -> None:
    subject = build_random_subject(tiny1, kind)
    save_adapter(subject, tmp_path / "mia.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["mia.safetensors"]
    assert same(load_adapter(tmp_path / "mia.safetensors"), subject)


def test_equal_subjects_are_equal_bytes(tiny1: ModelBundle) -> None:
    subject = replace(build_random_subject(tiny1, "custom_diffusion"), class_word="Kätzchen “Mia”")
    files = [adapter_to_bytes(subject) for _ in range(20)]
    assert all(one == files[0] for one in files)
    assert same(adapter_from_bytes(files[0]), subject)


def test_what_is_no_subject_is_refused(tiny1: ModelBundle, tmp_path: Path) -> None:
    whole = adapter_to_bytes(build_random_subject(tiny1))
    other = safetensors.torch.save({"token": torch.zeros(1, 4)}, {"format": "pt"})
    broken = build_random_subject(tiny1)
    infinite = adapter_to_bytes(Adapter("textual_inversion", "cat", "m", "f", broken.vectors / 0))
    for content in (b"", b"nonsense", whole[:-5], other, infinite):
        with pytest.raises(ModelError, match="not a subject"):
            adapter_from_bytes(content)
    with pytest.raises(ModelError, match="cannot be read"):
        load_adapter(tmp_path / "nobody.safetensors")


def test_a_full_disk_is_said_and_leaves_nothing(
    tiny1: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, content: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match="No space left"):
        save_adapter(build_random_subject(tiny1), tmp_path / "mia.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_another_models_subject_is_refused_with_both_names(
    tiny1: ModelBundle, tiny2: ModelBundle
) -> None:
    check_fits(build_random_subject(tiny1), tiny1)
    with pytest.raises(RequestError, match=rf"{tiny2.card.title}.*{tiny1.card.title}"):
        check_fits(build_random_subject(tiny2), tiny1)


@pytest.mark.parametrize("kind", tuple(TrainingMethod))
def test_weights_are_on_inside_the_block_and_the_very_same_tensors_afterwards(
    tiny1: ModelBundle, kind: TrainingMethod
) -> None:
    subject = build_random_subject(tiny1, kind)
    before = {
        name: (value.data_ptr(), value.clone()) for name, value in tiny1.unet.named_parameters()
    }
    applied = prepare_adapter(tiny1.unet, subject)
    found = weight_changes(subject.weights)
    with applied():
        for name, value in tiny1.unet.named_parameters():
            wanted = before[name][1] + found[name] if name in found else before[name][1]
            assert torch.equal(value, wanted), name
    after = {name: (value.data_ptr(), value) for name, value in tiny1.unet.named_parameters()}
    assert all(
        after[name][0] == pointer and torch.equal(after[name][1], own)
        for name, (pointer, own) in before.items()
    )


def test_fresh_weights_change_nothing_and_touch_what_their_kind_trains(tiny1: ModelBundle) -> None:
    generator = torch.Generator().manual_seed(0)
    named = {
        kind: weight_changes(build_weights(tiny1.unet, kind, 2, generator))
        for kind in tuple(TrainingMethod)
    }
    assert all(not value.any() for found in named.values() for value in found.values())
    assert named["textual_inversion"] == {}
    assert {name.rsplit(".", 3)[1] for name in named["custom_diffusion"]} == {"attn2"}
    assert len(named["dreambooth"]) == len(list(tiny1.unet.parameters()))
    assert all(".attn" in name for name in named["dreambooth_lora"])


def test_a_subject_of_another_shape_is_refused(tiny1: ModelBundle) -> None:
    subject = build_random_subject(tiny1)
    name = next(iter(subject.weights))
    with pytest.raises(ModelError, match="which this model has not"):
        prepare_adapter(
            tiny1.unet,
            Adapter(
                "custom_diffusion", "cat", "m", "f", subject.vectors, {name: torch.zeros(2, 2)}
            ),
        )


@pytest.mark.slow
def test_low_rank_changes_mean_to_peft_what_they_mean_here(
    model_base: Path, tiny1: ModelBundle
) -> None:
    from copy import deepcopy

    subject = build_random_subject(tiny1, "dreambooth_lora", amount=0.2)
    given = (torch.randn(1, 4, 8, 8), torch.tensor([300]), torch.randn(1, 5, 32))
    with torch.no_grad(), prepare_adapter(tiny1.unet, subject)():
        ours = tiny1.unet(given[0], given[1], given[2])[0]
    unet = deepcopy(tiny1.unet)
    config = LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_k", "to_v", "to_out.0"])
    inject_adapter_in_model(config, unet)
    set_peft_model_state_dict(unet, dict(subject.weights))
    with torch.no_grad():
        theirs = unet(given[0], given[1], given[2])[0]
        plain = tiny1.unet(given[0], given[1], given[2])[0]
    assert float((ours - theirs).abs().max()) < 1e-4
    assert float((ours - plain).abs().max()) > 1e-3


def test_a_file_of_the_first_version_is_read(tiny1: ModelBundle) -> None:
    """Its facts stood in the file's metadata one by one."""
    subject = build_random_subject(tiny1)
    tensors = {"token": subject.vectors}
    tensors |= {f"unet.{name}": value for name, value in subject.weights.items()}
    facts = {"kind": subject.kind, "class_word": "cat", "model": subject.model}
    header = {"lamina_subject": "1", "fingerprint": subject.fingerprint, **facts}
    assert same(adapter_from_bytes(safetensors.torch.save(tensors, header)), subject)
