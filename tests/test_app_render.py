"""``python app.py render``: pictures and a report from a scene file, and one clear line for
anything unusable.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.cli import main
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.carried_scene import find_scene
from backend.scene.formats.openraster import write_ora
from backend.scene.formats.picture_file import encode_png
from backend.scene.formats.picture_record import read_record
from backend.scene.formats.verify import check_picture
from backend.scene.scene import build_scene
from tests.studio.workshop import scene_with, square_picture

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ball on a canvas of 128 x 128, with settings of its own."""
    pixels = MemoryPixels()
    content = build_scene(scene_with(pixels.add_picture(square_picture())))
    path = tmp_path_factory.mktemp("scene") / "ball.ora"
    path.write_bytes(write_ora(content, pixels, {"steps": 2, "count": 2, "seed": 7}))
    return path


def render(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture)


@pytest.mark.slow
def test_the_same_file_gives_the_same_pixels(scene: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        report = tmp_path / f"{name}.json"
        assert (
            main(
                [
                    "render",
                    str(scene),
                    "--out",
                    str(tmp_path / f"{name}.png"),
                    "--report",
                    str(report),
                ]
            )
            == 0
        )
    reports = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("first", "second")]
    assert reports[0]["plan"] == reports[1]["plan"]
    assert (reports[0]["seeds"], reports[0]["steps"]) == ([7, 8], 2)
    assert reports[0]["files"] == ["first.png", "first-2.png"]
    assert reports[0]["versions"]["torch"]
    assert reports[0]["seconds"] > 0
    for first, second in (("first", "second"), ("first-2", "second-2")):
        np.testing.assert_array_equal(
            render(tmp_path / f"{first}.png"), render(tmp_path / f"{second}.png")
        )
    assert (render(tmp_path / "first.png") != render(tmp_path / "first-2.png")).any()


@pytest.mark.slow
def test_dials_win_over_the_file(scene: Path, tmp_path: Path) -> None:
    dials = [
        "--count",
        "1",
        "--seed",
        "0",
        "--steps",
        "3",
        "--guidance",
        "2.5",
        "--set",
        "attention=false",
    ]
    out, report = tmp_path / "one.png", tmp_path / "one.json"
    assert main(["render", str(scene), "--out", str(out), "--report", str(report), *dials]) == 0
    reported = json.loads(report.read_text())
    assert (reported["seeds"], reported["steps"], reported["files"]) == ([0], 3, ["one.png"])
    assert render(out).shape == (reported["height_px"], reported["width_px"], 3)


@pytest.mark.parametrize(
    ("dials", "named"),
    [
        (["--steps", "0"], "Steps"),
        (["--steps", "many"], "steps"),
        (["--count", "1.5"], "count"),
        (["--count", "100"], "Candidates"),
        (["--seed", "-2"], "Seed"),
        (["--guidance", "nan"], "Guidance"),
        (["--sampler", "magic"], "Sampler"),
        (["--method", "magic"], "magic"),
        (["--model", "gone"], "gone"),
        (["--set", "attention"], "attention"),
        (["--set", "attention=perhaps"], "attention"),
        (["--set", "nonsense=1"], "nonsense"),
        (["--set", "blur_px=1e9"], "Blur between strengths"),
    ],
)
def test_a_wrong_dial_is_one_line(
    scene: Path, tmp_path: Path, dials: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", str(scene), "--out", str(tmp_path / "x.png"), *dials]) == 2
    assert_refused_in_one_line(capsys, named)
    assert list(tmp_path.iterdir()) == []


def assert_refused_in_one_line(capsys: pytest.CaptureFixture[str], named: str) -> None:
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("lamina: ")
    assert shown.err.count("\n") == 1
    assert named in shown.err


def test_wrong_files_are_one_line(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.ora"
    broken.write_bytes(scene.read_bytes()[:300])
    empty = tmp_path / "empty.ora"
    empty.write_bytes(write_ora(build_scene({"width_px": 64, "height_px": 64}), MemoryPixels(), {}))
    out = tmp_path / "x.png"
    for source, target, named in (
        (tmp_path / "none.ora", out, "none.ora"),
        (broken, out, ""),
        (empty, out, ""),
        (scene, tmp_path / "x.jpg", "x.jpg"),
        (scene, tmp_path / "nowhere" / "x.png", "x.png"),
    ):
        assert main(["render", str(source), "--out", str(target)]) == 2
        assert_refused_in_one_line(capsys, named)
    assert not out.exists()


@pytest.mark.slow
def test_a_report_that_cannot_be_written_is_said(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "render",
        str(scene),
        "--out",
        str(tmp_path / "x.png"),
        "--count",
        "1",
        "--steps",
        "1",
    ]
    assert main([*command, "--report", str(tmp_path / "nowhere" / "r.json")]) == 2
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .startswith("lamina: The report 'r.json' could not be written")
    )
    assert (tmp_path / "x.png").exists()


def test_as_a_program(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "app.py"), "render", "none.ora", "--out", "x.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("lamina: ")
    assert "none.ora" in done.stderr
    assert done.stderr.count("\n") == 1


def solid(colour: tuple[int, int, int], side: int = 40) -> bytes:
    picture = np.zeros((side, side, 4), np.uint8)
    picture[8:-8, 8:-8] = (*colour, 255)
    return encode_png(picture)


def write_json(folder: Path, **more: object) -> Path:
    """A scene by hand: a picture beside it, and one inside."""
    (folder / "ball.png").write_bytes(solid((220, 30, 30)))
    inside = "data:image/png;base64," + base64.b64encode(solid((20, 60, 220), 24)).decode()
    body = {
        "width_px": 128,
        "height_px": 128,
        "prompt": "a red ball and a blue ball",
        "layers": [
            {"picture": "ball.png", "phrase": "red ball", "strength": 0.0},
            {
                "picture": inside,
                "phrase": "blue ball",
                "placement": {"centre_x_px": 100, "centre_y_px": 20},
            },
        ],
        "settings": {"steps": 2, "count": 1, "seed": 4},
        **more,
    }
    path = folder / "balls.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_scene_in_json_becomes_a_picture_that_renders_again(tmp_path: Path) -> None:
    out = tmp_path / "balls.png"
    assert main(["render", str(write_json(tmp_path)), "--out", str(out), "--words"]) == 0
    record = read_record(out.read_bytes()).record
    assert record is not None
    assert record.objects[0].phrase == "red ball"
    red, blue = record.objects
    assert red.origins["imported"] > 0.9 * red.pixels  # it may not change: its own bytes
    assert blue.origins == {"generated": blue.pixels}
    assert record.runs[0].seed == 4
    assert check_picture(out.read_bytes()).is_untouched
    again = tmp_path / "again.png"
    assert main(["render", str(out), "--out", str(again), "--count", "1"]) == 0
    np.testing.assert_array_equal(render(out), render(again))


@pytest.mark.slow
def test_a_folder_of_scenes_becomes_a_folder_of_pictures(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out, report = tmp_path / "in", tmp_path / "out", tmp_path / "r.json"
    source.mkdir()
    write_json(source)
    (source / "ball.ora").write_bytes(scene.read_bytes())
    (source / "broken.ora").write_bytes(b"PK nothing")
    command = ["render", str(source), "--out", str(out), "--report", str(report)]
    dials = ["--count", "1", "--steps", "1", "--prompt", "two balls on a meadow", "--no-scene"]
    assert main([*command, *dials]) == 2
    assert sorted(path.name for path in out.iterdir()) == ["ball.png", "balls.png"]
    reported = json.loads(report.read_text())
    assert [one["scene"] for one in reported["scenes"]] == ["ball.ora", "balls.json"]
    assert [one["scene"] for one in reported["refused"]] == ["broken.ora"]
    assert "broken.ora" in capsys.readouterr().err
    content = (out / "balls.png").read_bytes()
    assert find_scene(content) is None
    assert b"two balls" not in content


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"layers": [{"picture": "gone.png"}]}, "gone.png"),
        ({"layers": [{"picture": "data:image/png;base64,?"}]}, "data URI"),
        ({"layers": [{"picture": "balls.json"}]}, "not a picture"),
        ({"width_px": "wide"}, "how large"),
        ({"layers": 7}, "layers"),
    ],
)
def test_what_is_wrong_in_json_is_one_line(
    tmp_path: Path, more: dict[str, object], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_json(tmp_path, **more)
    assert main(["render", str(path), "--out", str(tmp_path / "x.png")]) == 2
    assert named.casefold() in capsys.readouterr().err.casefold()
    path.write_text("{", encoding="utf-8")
    assert main(["render", str(path), "--out", str(tmp_path / "x.png")]) == 2
    assert_refused_in_one_line(capsys, "JSON")
