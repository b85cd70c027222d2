"""The paper's choice of scenes, on made-up annotations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend.errors import InputError
from backend.evaluation.coco import coco_cases, voc_name
from backend.evaluation.tcig_suite import PAINTED

CATEGORIES = {1: "person", 5: "airplane", 17: "cat", 63: "couch", 44: "bottle", 90: "toothbrush"}


def box(x0: int, y0: int, x1: int, y1: int) -> list[list[int]]:
    return [[x0, y0, x1, y0, x1, y1, x0, y1]]


LARGE, OTHER, SMALL = box(0, 0, 49, 49), box(50, 50, 99, 99), box(0, 90, 9, 99)


def write(folder: Path, pictures: dict[int, list[tuple[int, Any, int]]]) -> None:
    annotations = [
        {"image_id": picture, "category_id": category, "segmentation": shape, "iscrowd": crowd}
        for picture, objects in pictures.items()
        for category, shape, crowd in objects
    ]
    instances = {
        "images": [{"id": picture, "width": 100, "height": 100} for picture in pictures],
        "categories": [{"id": number, "name": name} for number, name in CATEGORIES.items()],
        "annotations": annotations,
    }
    captions = [
        {"image_id": picture, "caption": f"a cat by a couch {n}"}
        for picture in pictures
        for n in (0, 1)
    ]
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_val2017.json").write_text(json.dumps(instances))
    (folder / "annotations" / "captions_val2017.json").write_text(
        json.dumps({"annotations": captions})
    )


def test_the_filter(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            9: [(17, LARGE, 0), (63, OTHER, 0)],
            2: [(17, LARGE, 0), (63, OTHER, 0), (1, SMALL, 0)],  # a person
            3: [(17, LARGE, 0)],  # one object
            4: [(17, LARGE, 0), (63, SMALL, 0)],  # one too small
            5: [(17, LARGE, 0), (90, OTHER, 0)],  # one without a VOC class
            6: [(17, LARGE, 0), (63, {"counts": [], "size": []}, 1)],  # a crowd
            7: [
                (17, SMALL, 0),
                (17, LARGE, 0),
                (5, OTHER, 0),
                (90, SMALL, 0),
            ],  # instances of one class
        },
    )
    cases = coco_cases(tmp_path, PAINTED, 10)
    assert [case.name for case in cases] == ["coco 7", "coco 9"]
    cat, plane = cases[0].scene.layers
    assert (cat.class_label, plane.class_label) == ("cat", "aeroplane")
    assert (cases[0].pixels.mask(cat.mask) > 0).sum() == 2600
    sofa = cases[1].scene.layers[1]
    assert (sofa.class_label, sofa.phrase) == ("sofa", "")
    assert cases[1].scene.prompt == "a cat by a couch 0"
    assert cases[1].scene.layers[0].phrase == "cat"
    assert len(coco_cases(tmp_path, PAINTED, 1)) == 1


def test_names() -> None:
    assert voc_name("dining table") == "diningtable"
    assert voc_name("tv") == "tvmonitor"
    assert voc_name("toothbrush") == ""


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="instances_val2017"):
        coco_cases(tmp_path, PAINTED, 1)
