"""Auto-adjust: values from sizes, by both rules, with words for each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.plan.autotune import (
    RULES,
    Rule,
    SeenLayer,
    apply,
    autotune,
    lamina,
    spread,
    tune_published,
    visible_share,
)
from backend.scene.layer import Structure
from tests.plan.scenes import CARD, stage


def test_the_published_rule() -> None:
    """r = .5 and r = 1 by hand; the top layer's noise is .4 at any size."""
    layer = stage().scene.layers[0]
    half, whole = (
        tune_published(SeenLayer(layer, 0.5, None)),
        tune_published(SeenLayer(layer, 1.0, None)),
    )
    assert (half.attention_positive, half.attention_negative, half.strength, half.structure) == (
        0.4,
        0.65,
        0.6,
        0.6,
    )
    assert (
        whole.attention_positive,
        whole.attention_negative,
        whole.strength,
        whole.structure,
    ) == (
        0.2,
        0.4,
        0.7,
        0.3,
    )
    assert tune_published(SeenLayer(layer, 0.5, None, True)).strength == 0.4


def test_the_box_of_what_is_seen() -> None:
    visible = np.zeros((20, 40), np.float32)
    visible[5:10, 4:12] = 0.9
    visible[0, 0] = 0.4
    assert visible_share(visible) == pytest.approx(max(5 / 20, 8 / 40))
    assert visible_share(np.zeros((4, 4), np.float32)) == 0


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_layer_that_takes_part_gets_values_and_reasons(rule: Rule) -> None:
    set_up = stage()
    tuned = autotune(set_up.scene, CARD, set_up.pixels, rule)
    assert [one.layer_id for one in tuned] == [layer.id for layer in set_up.scene.layers]
    assert all(one.reasons and all(reason.endswith(".") for reason in one.reasons) for one in tuned)
    assert tuned == autotune(set_up.scene, CARD, set_up.pixels, rule)


def test_a_hidden_layer_is_left_alone() -> None:
    first = stage().scene.layers[0]
    set_up = stage().with_layer(first.id, visible=False)
    tuned = autotune(set_up.scene, CARD, set_up.pixels)
    assert first.id not in {one.layer_id for one in tuned}
    assert apply(set_up.scene, tuned).layer(first.id) == set_up.scene.layer(first.id)


def test_applied_values_stand_in_the_scene() -> None:
    last = stage().scene.layers[-1]
    set_up = stage().with_layer(last.id, structure=Structure(kind="edges", weight=0.9))
    tuned = autotune(set_up.scene, CARD, set_up.pixels)
    scene = apply(set_up.scene, tuned)
    for one in tuned:
        layer = scene.layer(one.layer_id)
        assert (layer.strength, layer.attention_positive) == (one.strength, one.attention_positive)
    assert scene.layer(last.id).structure == Structure(kind="edges", weight=tuned[-1].structure)
    assert scene.layers[0].structure == Structure()


def test_a_background_is_given_room_and_objects_are_drawn_in() -> None:
    set_up = stage()
    tuned = {one.layer_id: one for one in autotune(set_up.scene, CARD, set_up.pixels)}
    background, *others = (tuned[layer.id] for layer in set_up.scene.layers)
    assert background.attention_negative == 0
    assert all(one.attention_positive > background.attention_positive for one in others)


def test_what_has_more_to_lose_may_change_less() -> None:
    """A drawn object, a flat one, and a region without a picture; a half-flat one lies between,
    whatever the size.
    """
    layer = stage().scene.layers[1]
    free = [lamina(SeenLayer(layer, 0.3, value)).strength for value in (40.0, 8.0, 0.0, None)]
    assert free == [0.3, 0.375, 0.45, 0.8]
    assert (
        lamina(SeenLayer(layer, 0.1, 40.0)).strength == lamina(SeenLayer(layer, 0.8, 40.0)).strength
    )
    assert "colours of its own" in lamina(SeenLayer(layer, 0.3, 40.0)).reasons[0]
    assert "flat colour" in lamina(SeenLayer(layer, 0.3, 1.0)).reasons[0]


def test_a_silhouette_is_freed_as_far_as_a_model_needs_that_keeps_forms_at_low_strengths() -> None:
    """Where a model takes light alone up to .45, .45 would leave paper as it is."""
    plain = SeenLayer(stage().scene.layers[-1], 0.3, 0.0)
    assert RULES["lamina"](plain).strength == 0.45
    assert RULES["lamina"](replace(plain, flat_strength=0.8)).strength == 0.8
    assert RULES["lamina"](replace(plain, spread=30.0, flat_strength=0.8)).strength == 0.3


def test_the_spread_of_a_layer_s_colours() -> None:
    """Half black, half white is 127.5; transparent colours do not count, and a mask alone has
    none.
    """
    set_up = stage()
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[:4, :, :3], picture[..., 3] = 255, 255
    layer = set_up.scene.layers[1].model_copy(
        update={"picture": set_up.pixels.add_picture(picture)}
    )
    assert spread(layer, set_up.pixels) == 127.5
    picture[4:, :, 3] = 100
    layer = layer.model_copy(update={"picture": set_up.pixels.add_picture(picture)})
    assert spread(layer, set_up.pixels) == 0
    assert (
        spread(layer.model_copy(update={"picture": None, "mask": "0" * 64}), set_up.pixels) is None
    )
