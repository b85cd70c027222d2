"""``lamina doctor``: a line and a verdict for all that Lamina needs; 1 where something is at
fault.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from backend import __version__, doctor
from backend.cli import main
from backend.doctor import check_device, check_models, check_store, check_versions
from backend.studio.storage.database import SCHEMA_VERSION, Database
from tests.rules.tree import ROOT


def verdicts(checks: object) -> dict[str, str]:
    return {check.topic: check.verdict for check in checks}  # type: ignore[attr-defined]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store folder with a database of the present format."""
    folder = tmp_path / "store"
    folder.mkdir()
    Database(folder / doctor.DATABASE).close()
    return folder


def test_a_sound_machine_has_no_faults(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--store", str(store), "--device", "cpu"]) == 0
    output = capsys.readouterr().out
    for topic in ("lamina: " + __version__, "python: 3.", "torch: ", "model pocket: ", "cpu: "):
        assert topic in output
    assert f"format {SCHEMA_VERSION}\n" in output
    assert "integrity: sound" in output
    assert output.endswith("no faults\n")


def test_a_fault_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--store", str(tmp_path), "--models", str(tmp_path / "none")]) == 1
    output = capsys.readouterr().out
    assert re.search(r"^fault +models: .*none is no folder$", output, re.MULTILINE)
    assert output.endswith("1 faults\n")


def test_a_missing_library_and_an_old_python_are_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("torch", "lamina-does-not-exist"))
    monkeypatch.setattr(doctor, "OLDEST", (4, 0))
    found = verdicts(check_versions())
    assert found["lamina-does-not-exist"] == "fault"
    assert found["torch"] == "ok"
    assert found["python"] == "fault"


def test_a_gpu_that_was_asked_for_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert verdicts(check_device("cuda"))["cuda"] == "fault"
    assert verdicts(check_device("auto"))["cuda"] == "note"


def test_each_model_folder_gets_a_verdict(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    (broken / "unet").mkdir(parents=True)
    (broken / "model_index.json").write_text("{}")
    found = verdicts(check_models((tmp_path,)))
    assert found["model pocket"] == "ok"
    assert found["model broken"] == "fault"
    assert found["examples"] == "ok"
    assert verdicts(check_models((), tmp_path / "no-pocket"))["model pocket"] == "fault"


def test_nothing_is_made_of_a_store_that_is_not_there(tmp_path: Path) -> None:
    found = verdicts(check_store(tmp_path / "a" / "b"))
    assert found == {"store": "ok", "free space": "ok"}
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert verdicts(check_store(tmp_path / "file" / "store"))["store"] == "fault"


def test_a_full_disk_is_a_fault(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FREE_FLOOR_BYTES", 2**62)
    assert verdicts(check_store(store))["free space"] == "fault"


def test_a_newer_format_is_a_fault_and_an_older_one_is_not(store: Path) -> None:
    for version, verdict in ((SCHEMA_VERSION + 1, "fault"), (SCHEMA_VERSION - 1, "ok")):
        with sqlite3.connect(store / doctor.DATABASE) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
        assert verdicts(check_store(store))["database"] == verdict


def test_damage_is_a_fault(store: Path) -> None:
    path = store / doctor.DATABASE
    content = bytearray(path.read_bytes())
    content[4096 : 3 * 4096] = bytes(2 * 4096)
    path.write_bytes(content)
    found = verdicts(check_store(store))
    assert "fault" in (found.get("integrity"), found.get("database"))
    path.write_bytes(b"no database at all, but long enough to be looked at" * 20)
    assert verdicts(check_store(store))["database"] == "fault"


def test_it_knows_the_pythons_of_pyproject() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    least, below = (
        tuple(map(int, part))
        for part in re.findall(r">=(3)\.(\d+),<(3)\.(\d+)", text)
        for part in (part[:2], part[2:])
    )
    assert least == doctor.OLDEST
    assert (doctor.NEWEST[0], doctor.NEWEST[1] + 1) == below
