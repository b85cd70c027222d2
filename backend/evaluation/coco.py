"""TCIG's own protocol: scenes from COCO's annotations, after MultiDiffusion (TCIG, section 4).

Kept are pictures with 2 to 4 Pascal VOC classes, none under 5 % of the picture, and no person
anywhere. Left open by the paper and decided here: instances of a class are one mask, crowds are
dropped, the prompt is the first caption.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from backend.errors import InputError
from backend.evaluation.collage_suite import CollageCase
from backend.models.deeplab import VOC
from backend.plan.painted import spellings
from backend.scene.blobs import MemoryPixels
from backend.scene.imaging.arrays import Mask
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene

SMALLEST_FRAC, FEWEST, MOST = 0.05, 2, 4
INSTANCES, CAPTIONS = "instances_val2017.json", "captions_val2017.json"


def coco_cases(folder: Path, template: Layer, count: int) -> tuple[CollageCase, ...]:
    """The first ``count`` scenes, by picture id, of ``folder/annotations``; an InputError when a
    file is missing.
    """
    instances, captions = (_read(folder / "annotations" / name) for name in (INSTANCES, CAPTIONS))
    names = {category["id"]: category["name"] for category in instances["categories"]}
    by_picture: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for annotation in instances["annotations"]:
        by_picture[annotation["image_id"]].append(annotation)
    caption_of: dict[int, str] = {}
    for caption in captions["annotations"]:
        caption_of.setdefault(caption["image_id"], caption["caption"].strip())
    found: list[CollageCase] = []
    for picture in sorted(instances["images"], key=lambda one: int(one["id"])):
        masks = class_masks(by_picture[picture["id"]], names, (picture["width"], picture["height"]))
        if masks and len(found) < count:
            found.append(_case(picture, caption_of.get(picture["id"], ""), masks, template))
    return tuple(found)


def class_masks(
    annotations: Sequence[Mapping[str, Any]], names: Mapping[int, str], size: tuple[int, int]
) -> dict[str, Mask]:
    """A mask (h, w) for each VOC class of a picture; empty when the protocol leaves the picture
    out.
    """
    if any(names[one["category_id"]] == "person" for one in annotations):
        return {}
    masks: dict[str, Mask] = {}
    for one in annotations:
        label = voc_name(names[one["category_id"]])
        if label and not one.get("iscrowd"):
            drawn = _rasterise(one["segmentation"], size)
            masks[label] = masks[label] | drawn if label in masks else drawn
    fits = FEWEST <= len(masks) <= MOST and all(
        mask.mean() >= SMALLEST_FRAC for mask in masks.values()
    )
    return masks if fits else {}


def voc_name(coco_name: str) -> str:
    """The VOC class of a COCO category; "" when it has none."""
    known = VOC.split(",")[1:]
    return next((label for label in known if label in spellings(coco_name)), "")


def _rasterise(polygons: Sequence[Sequence[float]], size: tuple[int, int]) -> Mask:
    canvas = Image.new("1", size)
    pen = ImageDraw.Draw(canvas)
    for polygon in polygons:
        if len(polygon) >= 6:
            pen.polygon(list(polygon), fill=1)
    return np.asarray(canvas, bool)


def _case(
    picture: Mapping[str, Any], caption: str, masks: Mapping[str, Mask], template: Layer
) -> CollageCase:
    pixels = MemoryPixels()
    width_px, height_px = int(picture["width"]), int(picture["height"])
    layers = tuple(
        template.model_copy(
            update={
                "id": f"object-{number}",
                "mask": pixels.add_mask((mask * 255).astype(np.uint8)),
                "placement": Placement(centre_x_px=width_px / 2, centre_y_px=height_px / 2),
                "phrase": label if label in caption.lower() else "",
                "class_label": label,
            }
        )
        for number, (label, mask) in enumerate(masks.items())
    )
    scene = Scene(width_px=width_px, height_px=height_px, prompt=caption, layers=layers)
    return CollageCase(f"coco {picture['id']}", scene, pixels)


def _read(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path.name} cannot be read ({error}).",
            limit="--coco is a folder with annotations/ of COCO val2017.",
            remedy="Put the files there.",
        ) from error
    return record
