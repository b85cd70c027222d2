"""Leases: one run at a time, the byte budget, and a network that is handed back as it was."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from backend.errors import EngineError, ModelError
from backend.models.bundle import ModelBundle
from backend.models.cache import ModelCache
from backend.models.card import ModelCard, read_card
from backend.models.load import load_bundle
from tests.models.fixtures import tiny_folder


@pytest.fixture
def card(model_base: Path) -> ModelCard:
    return read_card(tiny_folder("tiny-1", model_base), "tiny", "Tiny")


class CountingLoad:
    """Loads for real and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, card: ModelCard, device: torch.device) -> ModelBundle:
        self.asked.append(card.id)
        return load_bundle(card, device)


def test_a_bundle_is_loaded_once(card: ModelCard) -> None:
    load = CountingLoad()
    cache = ModelCache(2**30, load)
    with cache.lease(card, "cpu") as first:
        pass
    with cache.lease(card, "cpu") as second:
        assert second is first
    assert load.asked == ["tiny"]


@pytest.mark.slow
def test_the_least_recently_used_goes(card: ModelCard) -> None:
    load = CountingLoad()
    cache = ModelCache(card.weights * 4 * 2, load)
    cards = [replace(card, id=name) for name in "abc"]
    for one in (cards[0], cards[1], cards[0], cards[2]):
        with cache.lease(one, "cpu"):
            pass
    assert load.asked == ["a", "b", "c"]
    assert cache.list_ids() == ("a", "c")


def test_a_leased_bundle_stays(card: ModelCard) -> None:
    cache = ModelCache(card.weights * 4)
    with cache.lease(card, "cpu") as held, cache.lease(replace(card, id="other"), "cpu"):
        assert cache.list_ids() == ("tiny", "other")
        assert held.size_bytes == card.weights * 4


def test_a_model_beyond_the_budget_is_refused(card: ModelCard) -> None:
    with (
        pytest.raises(ModelError, match="budget"),
        ModelCache(card.weights * 4 - 1).lease(card, "cpu"),
    ):
        pass


def test_one_run_at_a_time(card: ModelCard) -> None:
    cache = ModelCache(2**30)
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        waiting.set()
        with cache.lease(card, "cpu"):
            order.append("second")

    with cache.lease(card, "cpu"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        thread.join(0.1)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_a_failed_load_can_be_tried_again(card: ModelCard) -> None:
    outcomes = [ModelError("Broken.", remedy="Mend it.")]

    def load(asked: ModelCard, device: torch.device) -> ModelBundle:
        if outcomes:
            raise outcomes.pop()
        return load_bundle(asked, device)

    cache = ModelCache(2**30, load)
    with pytest.raises(ModelError), cache.lease(card, "cpu"):
        pass
    with cache.lease(card, "cpu") as bundle:
        assert bundle.card is card


def _swap_first(bundle: ModelBundle) -> str:
    processors = dict(bundle.unet.attn_processors)
    name = next(iter(processors))
    processors[name] = type(processors[name])()
    bundle.unet.set_attn_processor(processors)
    return name


def test_a_network_left_patched_is_mended_and_told(card: ModelCard) -> None:
    cache = ModelCache(2**30)
    with cache.lease(card, "cpu") as bundle:
        before = dict(bundle.unet.attn_processors)
    with (
        pytest.raises(EngineError, match="left 1 attention sites"),
        cache.lease(card, "cpu") as bundle,
    ):
        _swap_first(bundle)
    with cache.lease(card, "cpu") as bundle:
        assert all(bundle.unet.attn_processors[name] is before[name] for name in before)


def test_a_failure_inside_the_lease_is_not_hidden(card: ModelCard) -> None:
    cache = ModelCache(2**30)
    with cache.lease(card, "cpu") as bundle:
        before = dict(bundle.unet.attn_processors)
    with pytest.raises(KeyError, match="nothing"), cache.lease(card, "cpu") as bundle:
        bundle.unet.attn_processors[_swap_first(bundle) + " nothing"]
    with cache.lease(card, "cpu") as bundle:
        assert all(bundle.unet.attn_processors[name] is before[name] for name in before)
