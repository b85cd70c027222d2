"""A picture cut apart along painted regions: boxes, colours, what hides what."""

from __future__ import annotations

import numpy as np

from backend.scene.blobs import MemoryPixels
from backend.scene.composite import flatten_scene
from backend.scene.cut_outs import cut_outs
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene

SIDE = 24


def mask(rows: slice, columns: slice, value: int = 255) -> np.ndarray:
    inside = np.zeros((SIDE, SIDE), np.uint8)
    inside[rows, columns] = value
    return inside


def noise_picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def scene_of(pixels: MemoryPixels, *masks: np.ndarray, **patch: object) -> Scene:
    place = Placement(centre_x_px=SIDE / 2, centre_y_px=SIDE / 2)
    layers = tuple(
        Layer(id=f"m{number}", mask=pixels.add_mask(one), placement=place)
        for number, one in enumerate(masks)
    )
    return Scene(
        width_px=SIDE, height_px=SIDE, layers=(*layers[:-1], layers[-1].model_copy(update=patch))
    )


def test_each_region_becomes_its_box_of_the_picture_with_its_mask_as_alpha() -> None:
    pixels, picture = MemoryPixels(), noise_picture()
    scene = scene_of(pixels, mask(slice(2, 6), slice(3, 10)), mask(slice(12, 20), slice(4, 5), 128))
    first, second = cut_outs(scene, picture, pixels)
    assert (first.layer_id, first.centre_x_px, first.centre_y_px) == ("m0", 6.5, 4.0)
    assert np.array_equal(first.picture[..., :3], picture[2:6, 3:10])
    assert (first.picture[..., 3] == 255).all()
    assert second.picture.shape == (8, 1, 4)
    assert (second.picture[..., 3] == 128).all()


def test_what_lies_under_another_layer_is_not_cut_out() -> None:
    pixels = MemoryPixels()
    scene = scene_of(pixels, mask(slice(0, 10), slice(0, 10)), mask(slice(0, 10), slice(5, 15)))
    below, above = cut_outs(scene, noise_picture(), pixels)
    assert below.picture.shape == (10, 5, 4)
    assert above.picture.shape == (10, 10, 4)


def test_hidden_empty_and_picture_layers_are_left_out() -> None:
    pixels = MemoryPixels()
    shown, empty = mask(slice(0, 4), slice(0, 4)), mask(slice(0, 0), slice(0, 0))
    hidden = scene_of(pixels, shown, empty, mask(slice(8, 12), slice(8, 12)), visible=False)
    assert [one.layer_id for one in cut_outs(hidden, noise_picture(), pixels)] == ["m0"]
    toy = pixels.add_picture(np.full((4, 4, 4), 255, np.uint8))
    covered = scene_of(
        pixels,
        shown,
        empty,
        picture=toy,
        mask=None,
        placement=Placement(centre_x_px=2, centre_y_px=2),
    )
    assert cut_outs(covered, noise_picture(), pixels) == ()


def test_the_cut_outs_put_back_are_the_picture_where_it_was_painted() -> None:
    pixels, picture = MemoryPixels(), noise_picture()
    painted = mask(slice(3, 20), slice(2, 9))
    scene = scene_of(pixels, painted, mask(slice(10, 22), slice(5, 19)))
    layers = tuple(
        Layer(
            id=one.layer_id,
            picture=pixels.add_picture(one.picture),
            placement=Placement(centre_x_px=one.centre_x_px, centre_y_px=one.centre_y_px),
        )
        for one in cut_outs(scene, picture, pixels)
    )
    stack = flatten_scene(scene.model_copy(update={"layers": layers}), pixels)
    inside = (painted > 0) | (mask(slice(10, 22), slice(5, 19)) > 0)
    assert np.array_equal(stack[inside], picture[inside])
    assert (stack[~inside] == 150).all()
