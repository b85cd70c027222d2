"""Where the layer of a plan is sought in what it makes."""

from __future__ import annotations

from backend.plan.build import build_plan
from backend.plan.plan import move_layer
from backend.plan.request import build_request
from backend.scene.blobs import MemoryPixels
from backend.scene.scene import build_scene
from tests.studio.scripted import ScriptedCard
from tests.studio.workshop import reroll, scene_with, square_picture


def test_a_moved_object_is_sought_at_its_new_place_and_everything_else_where_it_is() -> None:
    pixels = MemoryPixels()
    scene = build_scene(scene_with(pixels.add_picture(square_picture())))
    source = pixels.add_picture(square_picture(side=128))
    options = {"dx_px": 20, "dy_px": -8}
    moving = build_plan(
        scene, build_request(reroll(source, method="move", options=options)), ScriptedCard(), pixels
    )
    place = move_layer(moving).layers[0].placement
    assert (place.centre_x_px, place.centre_y_px) == (84, 56)
    staying = build_plan(scene, build_request(reroll(source)), ScriptedCard(), pixels)
    assert move_layer(staying) is staying
    masked = moving.layers[0].model_copy(update={"mask": "ab" * 32})
    assert move_layer(moving.model_copy(update={"layers": (masked,)})).layers == ()
