"""What ``backend/docs/scene-files.md`` shows is run as it stands there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.cli import main
from backend.scene.formats.picture_file import encode_png

NOTE = Path(__file__).resolve().parents[1] / "backend" / "docs" / "scene-files.md"


def list_blocks(kind: str) -> list[str]:
    """The blocks of that language, in their order."""
    return re.findall(rf"```{kind}\n(.*?)```", NOTE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the scene of the note and its picture, in which the commands are given."""
    picture = np.zeros((160, 160, 4), np.uint8)
    picture[20:-20, 20:-20] = (210, 30, 40, 255)
    (tmp_path / "scenes").mkdir()
    for place in (tmp_path, tmp_path / "scenes"):
        (place / "ball.png").write_bytes(encode_png(picture))
        (place / "scene.json").write_text(list_blocks("json")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_commands_do_what_the_note_says(folder: Path) -> None:
    commands = [shlex.split(line) for line in list_blocks("sh")[0].splitlines()]
    assert all(program == "lamina" for program, *_ in commands)
    for _, *arguments in commands:
        assert main(arguments) == 0, arguments
    first, again, other = (
        np.asarray(Image.open(folder / name))
        for name in ("first.png", "again.png", "pictures/scene.png")
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert b"a red ball on a meadow" in (folder / "first.png").read_bytes()
    assert b"a red ball" not in (folder / "again.png").read_bytes()
    assert [path.name for path in (folder / "pictures").iterdir()] == ["scene.png"]
    assert json.loads((folder / "report.json").read_text())["refused"] == []
