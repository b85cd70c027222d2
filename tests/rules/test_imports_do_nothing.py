"""Importing a module of the product opens, writes, connects and starts nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.rules.tree import ROOT

LOUD = {
    "reads a file": "from pathlib import Path\nPath(__file__).read_text()\n",
    "makes a folder": "import os, tempfile\nos.makedirs(tempfile.gettempdir(), exist_ok=True)\n",
    "connects": "import socket\nsocket.socket().connect_ex(('127.0.0.1', 9))\n",
    "starts a thread": "import threading\nthreading.Thread(target=print).start()\n",
    "starts a program": "import subprocess, sys\nsubprocess.run([sys.executable, '--version'])\n",
    "opens a database": "import sqlite3\nsqlite3.connect(':memory:')\n",
    "cannot be imported": "1 / 0\n",
}
QUIET = """
import sqlite3
from pathlib import Path
HERE = Path(__file__).parent

def read():
    return open(HERE)
"""


def import_all(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.rules.import_quietly", str(root)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def write(root: Path, text: str) -> None:
    (root / "backend").mkdir()
    (root / "backend" / "__init__.py").touch()
    (root / "backend" / "sample.py").write_text(text)


@pytest.mark.parametrize("effect", LOUD)
def test_a_loud_module_is_heard(tmp_path: Path, effect: str) -> None:
    write(tmp_path, LOUD[effect])
    done = import_all(tmp_path)
    assert done.returncode == 1
    assert "sample" in done.stdout


def test_a_quiet_module_passes(tmp_path: Path) -> None:
    write(tmp_path, QUIET)
    done = import_all(tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@pytest.mark.slow
def test_the_product_is_quiet() -> None:
    done = import_all(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
