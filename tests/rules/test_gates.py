"""The runner counts what ran, and its last line says so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.__main__ import table
from tests.gates import Gate, Result, pytest_gate, read_report, time_gate, tool, web_tool
from tests.rules.tree import ROOT
from tests.web_tools import LOCK_FILE, NODE_AT_LEAST, find_node, find_npm

REPORT = """<testsuites><testsuite>
<testcase classname="a" name="one" time="0.5"/>
<testcase classname="a" name="two" time="2.5"><failure/></testcase>
<testcase classname="a" name="three"><error/></testcase>
<testcase classname="a" name="four"><skipped/></testcase>
</testsuite></testsuites>"""


def test_a_report_is_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    result = read_report(report, Result("loop"), 1)
    assert (result.passed, result.failed, result.absent) == (1, 2, 1)
    assert result.slowest[0] == (2.5, "a::two")


def test_a_run_that_collects_nothing_has_failed(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text("<testsuites><testsuite/></testsuites>")
    assert read_report(report, Result("loop"), 5).failed == 1


@pytest.mark.slow
def test_a_test_that_fails_is_not_run_again(tmp_path: Path) -> None:
    """It would pass at its second go, for which the first one leaves a mark."""
    mark = tmp_path / "mark"
    body = f"    mark = Path({str(mark)!r})\n    seen = mark.exists()\n"
    body += "    mark.touch()\n    assert seen"
    sample = tmp_path / "test_starved.py"
    sample.write_text(f"from pathlib import Path\n\ndef test_starved():\n{body}\n")
    result = pytest_gate("starved", str(sample), "-c", str(ROOT / "pyproject.toml")).run()
    assert (result.passed, result.failed) == (0, 1)


def test_a_run_that_dies_without_a_report_has_failed(tmp_path: Path) -> None:
    assert read_report(tmp_path / "none.xml", Result("loop"), 0).failed == 1


@pytest.mark.parametrize(("ci", "counts"), [("", (0, 3)), ("1", (3, 0))])
def test_what_cannot_run_has_failed_in_ci_alone(
    monkeypatch: pytest.MonkeyPatch, ci: str, counts: tuple[int, int]
) -> None:
    monkeypatch.setenv("CI", ci)
    result = time_gate(Gate("scripts", lambda: Result("scripts", absent=3)))
    assert (result.failed, result.absent) == counts


def test_a_gate_that_breaks_has_failed() -> None:
    result = time_gate(Gate("broken", lambda: read_report(Path(__file__), Result("broken"), 0)))
    assert result.failed == 1
    assert "ParseError" in result.output


def test_a_tool_passes_or_fails_as_a_whole() -> None:
    assert tool("good", "json.tool", "--help").run().passed == 1
    bad = tool("bad", "json.tool", "no-such-file").run()
    assert bad.failed == 1
    assert "no-such-file" in bad.output


def test_node_and_npm_are_found() -> None:
    version = subprocess.run(
        [find_node(), "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert tuple(int(part) for part in version[1:].split(".")[:2]) >= NODE_AT_LEAST
    assert subprocess.run([*find_npm(), "--version"], capture_output=True, check=True).stdout


def test_the_lock_file_names_versions_and_no_place_to_take_them_from() -> None:
    text = LOCK_FILE.read_text(encoding="utf-8")
    assert '"integrity": "sha512-' in text
    assert '"resolved"' not in text


def test_a_tool_that_cannot_be_installed_did_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.gates.install_tools", lambda: "no npm")
    result = web_tool("eslint").run()
    assert (result.passed, result.absent, result.output) == (0, 1, "no npm")


def test_the_table_names_gates_and_the_slowest_tests() -> None:
    text = table([Result("loop", 7, 1, 0, 12.34, slowest=((9.0, "a::b"),)), Result("types", 1)])
    assert re.search(r"^loop +7 +1 +0 +12\.3$", text, re.MULTILINE)
    assert "9.0 s  a::b" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "status", "closing"), [("1", 0, "1 passed, 0 failed"), ("0", 1, "0 passed, 1 failed")]
)
def test_the_last_line(tmp_path: Path, body: str, status: int, closing: str) -> None:
    sample = tmp_path / "test_sample.py"
    sample.write_text(f"def test_sample():\n    assert {body}\n")
    command = [sys.executable, "-m", "tests", str(sample), "-c", str(ROOT / "pyproject.toml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == closing
