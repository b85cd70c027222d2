"""Pictures among painted masks: laid over the draft, held as far as their own noise says,
painted parts filled.
"""

from __future__ import annotations

import numpy as np
import pytest

from backend.engine.decode import encode
from backend.engine.loop_types import generator_for
from backend.errors import RequestError
from backend.methods.catalog import METHODS
from backend.models.bundle import ModelBundle
from backend.plan.build import build_plan
from backend.plan.events import Images, Stage1Images
from backend.plan.plan import Plan
from backend.plan.raster import fill_painted
from backend.plan.request import Compose, RunSettings
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene
from tests.methods.painted import QUICK, PaintedScene, cat_and_house, disc, toy_bundle


def with_picture(
    bundle: ModelBundle, noise: float, below: bool = False
) -> tuple[PaintedScene, Plan]:
    """The painted cat and house, and a green picture over the lower quarter (or under all of
    them).
    """
    painting = cat_and_house(bundle)
    side = bundle.card.native_px
    rgba = np.zeros((side, side, 4), np.uint8)
    rgba[3 * side // 4 :] = (30, 200, 60, 255)
    picture = Layer(
        id="picture",
        picture=painting.pixels.add_picture(rgba),
        placement=Placement(centre_x_px=side / 2, centre_y_px=side / 2),
        phrase="a green floor",
        strength=noise,
    )
    painted = painting.scene
    layers = (picture, *painted.layers) if below else (*painted.layers, picture)
    scene = Scene(
        width_px=side,
        height_px=side,
        prompt="a red cat and a blue house on a green floor",
        layers=layers,
    )
    settings = RunSettings(
        model="tiny-1", method="tcig", steps=6, guidance_scale=3.0, seed=7, count=1, options=QUICK
    )
    return painting, build_plan(scene, Compose(settings=settings), bundle.card, painting.pixels)


def run(painting: PaintedScene, plan: Plan) -> tuple[np.ndarray, np.ndarray, list]:
    happened = list(METHODS["tcig"].run(plan, painting.bundle, painting.pixels))
    (stage1_only,) = [one for one in happened if isinstance(one, Stage1Images)]
    (made,) = [one for one in happened if isinstance(one, Images)]
    return stage1_only.pictures[0], made.pictures[0], happened


@pytest.fixture
def painter(tiny1: ModelBundle) -> ModelBundle:
    return toy_bundle(tiny1)


def test_the_picture_lies_over_the_draft_and_the_rest_is_filled(painter: ModelBundle) -> None:
    painting, plan = with_picture(painter, 0.0)
    stage1, _, _ = run(painting, plan)
    side = len(stage1)
    assert (stage1[3 * side // 4 + 1 :] == (30, 200, 60)).all()
    assert not (stage1[: 3 * side // 4 - 1] == 150).all(axis=-1).any()  # no grey ground is left


def test_a_picture_without_noise_ends_as_it_was_encoded(painter: ModelBundle) -> None:
    """Collage's rule, in latents: held cells end bit-equal to the encoded source; painted ones
    do not.
    """
    painting, plan = with_picture(painter, 0.0)
    stage1, _, happened = run(painting, plan)
    source = encode(painter, stage1, [generator_for(plan.seeds[0])])
    last = [one for one in happened if not isinstance(one, Stage1Images | Images)][-1].latents
    rows = source.shape[-2]
    assert np.array_equal(last[..., 3 * rows // 4 :, :], source[..., 3 * rows // 4 :, :])
    assert not np.allclose(last[..., : rows // 2, :], source[..., : rows // 2, :])


def test_a_picture_without_noise_keeps_its_own_bytes(painter: ModelBundle) -> None:
    painting, plan = with_picture(painter, 0.0)
    drawn, picture, _ = run(painting, plan)
    side = len(drawn)
    assert (picture[3 * side // 4 + 1 :] == (30, 200, 60)).all()
    assert (picture[: side // 2] != drawn[: side // 2]).any()


def test_the_pictures_own_noise_sets_how_far_it_changes(painter: ModelBundle) -> None:
    ends = []
    for noise in (0.0, 0.5, 1.0):
        painting, plan = with_picture(painter, noise)
        stage1, _, happened = run(painting, plan)
        source = encode(painter, stage1, [generator_for(plan.seeds[0])])
        last = [one for one in happened if not isinstance(one, Stage1Images | Images)][-1].latents
        rows = source.shape[-2]
        ends.append(float((last - source)[..., 7 * rows // 8 :, :].abs().mean()))
    assert ends[0] == 0
    assert 0 < ends[1] < ends[2]


def test_a_painted_layer_over_a_picture_is_filled_with_the_draft(painter: ModelBundle) -> None:
    painting, plan = with_picture(painter, 0.3, below=True)
    side = painter.card.native_px
    marked = np.full((side, side, 3), (200, 10, 10), np.uint8)
    rastered = fill_painted(plan, painting.pixels, marked)
    cat = painting.layers[0][2] > 0
    assert (rastered[cat] == (200, 10, 10)).all()
    assert (rastered[-2, 2] == (30, 200, 60)).all()
    assert (rastered[2, 2] == (200, 10, 10)).all()


def test_pictures_alone_are_for_collage(painter: ModelBundle) -> None:
    painting, plan = with_picture(painter, 0.3)
    alone = plan.model_copy(update={"layers": plan.layers[2:]})
    with pytest.raises(RequestError, match="Every layer holds a picture") as caught:
        list(METHODS["tcig"].run(alone, painter, painting.pixels))
    assert "Collage" in caught.value.sentence


def test_a_class_without_a_mask_is_refused(painter: ModelBundle) -> None:
    side = painter.card.native_px
    painting = PaintedScene(painter, (("red cat", "", disc(side, 0.3, 0.5, 0.2)),))
    scene = painting.scene
    bare = Layer(
        id="bare",
        placement=Placement(centre_x_px=side / 2, centre_y_px=side / 2),
        phrase="a house",
        class_label="house",
    )
    settings = RunSettings(model="tiny-1", method="tcig", steps=6, seed=7, count=1, options=QUICK)
    plan = build_plan(
        scene.model_copy(update={"layers": (*scene.layers, bare)}),
        Compose(settings=settings),
        painter.card,
        painting.pixels,
    )
    with pytest.raises(RequestError, match="neither a mask nor a picture") as caught:
        painting.run(plan)
    assert "“a house”" in caught.value.sentence
