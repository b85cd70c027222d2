"""What is installed is what the checkout runs: dependencies, version, console script, files."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from backend import __version__, find_assets
from backend.cli import main
from tests.rules.tree import ROOT, list_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKED = {("assets", "models"), ("assets", "scenes")}


def test_requirements_and_pyproject_agree() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line] == PROJECT["project"]["dependencies"]


def test_the_version_stands_in_one_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "backend/__init__.py"
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"lamina {__version__}\n"


def test_assets_are_found_in_a_wheel_and_in_a_checkout(tmp_path: Path) -> None:
    package = tmp_path / "backend"
    package.mkdir()
    assert find_assets(package) == tmp_path / "assets"
    (package / "assets").mkdir()
    assert find_assets(package) == package / "assets"
    assert find_assets(ROOT / "backend") == ROOT / "assets"


@pytest.mark.slow
def test_the_wheel_holds_all_that_runs(tmp_path: Path) -> None:
    build = "from hatchling.build import build_wheel; import sys; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob(f"lamina-{__version__}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        scripts = next(name for name in names if name.endswith("entry_points.txt"))
        assert "lamina = backend.cli:main" in archive.read(scripts).decode()
    shipped = [path for path in list_files() if path.parts[0] in ("backend", "ui")]
    assert {path.as_posix() for path in shipped} <= names
    assets = [path for path in list_files() if path.parts[:2] in PACKED]
    assert assets
    assert {f"backend/{path.as_posix()}" for path in assets} <= names
    assert not [name for name in names if name.startswith(("tests/", "assets/", "app.py"))]
