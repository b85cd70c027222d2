"""The gates: what each one runs, and how many tests it counts."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from tests.reliability.requirements import list_proofs
from tests.web_tools import CHECKS, build_command, find_node, install_tools

ROOT = Path(__file__).resolve().parents[1]
TIME_LIMIT_S = 2400
BUSY = {
    "methods": ("methods", "evaluation"),
    "networks": (
        *("pocket", "models", "engine", "controls", "objectives", "metrics", "workers", "fixtures"),
        "reliability",
        "test_app_render.py",
    ),
}
"""What is busy with networks, in two gates that take about as long; ``others`` has the rest, which
imports none.
"""

FAST_USERS = 300
"""Of the random people in tests/web that a fast run plays; a full one plays as many as the test
itself says.
"""

FIND_CHROMIUM = "from tests.browser.chromium import find_or_install; print(find_or_install())"


@dataclass(frozen=True)
class Result:
    """What came of a gate. ``absent``: tests that could not run, with the reason in ``said``."""

    name: str
    passed: int = 0
    failed: int = 0
    absent: int = 0
    seconds: float = 0.0
    output: str = ""
    slowest: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Gate:
    """A name and what to run. A failing gate returns its failures, it does not raise them."""

    name: str
    run: Callable[[], Result]


def environment() -> dict[str, str]:
    """The environment of every gate: one thread a process, and the tools of this interpreter first
    on the PATH.

    Compiled modules are kept, whatever the machine prefers: each gate would compile all of them
    anew.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    own = {"PATH": path, "GRADIO_ANALYTICS_ENABLED": "False", "PYTHONDONTWRITEBYTECODE": ""}
    return os.environ | threads | own


def call(
    command: list[str], *, live: bool = False, variables: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a command in the root; its exit status and all it said (nothing where ``live`` shows it
    at once).
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        output = None if live else file
        own = environment() | dict(variables or {})
        child = subprocess.Popen(command, cwd=ROOT, env=own, stdout=output, stderr=output)
        try:
            status = child.wait(TIME_LIMIT_S)
        except subprocess.TimeoutExpired:
            child.send_signal(
                signal.SIGINT
            )  # pytest closes its browsers and servers on the way out
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(20)
            file.seek(0, os.SEEK_END)
            file.write(f"\nran past {TIME_LIMIT_S} s and was ended\n")
            status = 124
        finally:
            child.kill()
            child.wait()
        file.seek(0)
        return status, file.read()


def time_gate(gate: Gate) -> Result:
    """Run a gate and note its seconds; in CI what could not run has failed. A gate that breaks has
    failed, too.
    """
    start = time.monotonic()
    try:
        result = gate.run()
    except Exception:
        result = Result(gate.name, failed=1, output=traceback.format_exc())
    result = replace(result, seconds=time.monotonic() - start)
    if os.environ.get("CI"):
        result = replace(result, failed=result.failed + result.absent, absent=0)
    return result


def tool(name: str, *arguments: str) -> Gate:
    """A gate that passes or fails as a whole: ``python -m`` with these arguments."""

    def run() -> Result:
        status, output = call([sys.executable, "-m", *arguments])
        return Result(name, passed=int(status == 0), failed=int(status != 0), output=output)

    return Gate(name, run)


def contracts() -> Gate:
    """import-linter; each contract counts as one test."""

    def run() -> Result:
        script = (
            "import sys; from importlinter.cli import lint_imports_command as lint; "
            "sys.exit(lint())"
        )
        status, output = call([sys.executable, "-c", script, "--no-logo"])
        kept = re.search(r"Contracts: (\d+) kept, (\d+) broken", output)
        passed, failed = (int(count) for count in kept.groups()) if kept else (0, 1)
        return Result("imports", passed=passed, failed=max(failed, int(status != 0)), output=output)

    return Gate("imports", run)


def web_tool(name: str) -> Gate:
    """A tool over the page's scripts or styles (``tests/web_tools.py``); it passes or fails as a
    whole.
    """

    def run() -> Result:
        trouble = install_tools()
        if trouble:
            return Result(name, absent=1, output=trouble)
        status, output = call(build_command(CHECKS[name]))
        return Result(name, passed=int(status == 0), failed=int(status != 0), output=output)

    return Gate(name, run)


def scripts(users: int | None = None, named: Sequence[str] = ("*.test.*js",)) -> Gate:
    """``node --test`` over these files of tests/web: the page's modules without a browser;
    ``users``: how many are played.
    """

    def run() -> Result:
        web = ROOT / "tests" / "web"
        files = sorted({str(path) for pattern in named for path in web.glob(pattern)})
        node = find_node()
        if not node:
            return Result(
                "scripts", absent=len(files), output="No Node.js that is new enough was found."
            )
        if not files:
            return Result("scripts", failed=1, output="tests/web holds no *.test.js or *.test.mjs.")
        played = {} if users is None else {"LAMINA_USERS": str(users)}
        status, output = call([node, "--test", "--test-reporter=tap", *files], variables=played)
        counts = {
            word: int(count)
            for word, count in re.findall(
                r"^# (pass|fail|cancelled|skipped|todo) (\d+)$", output, re.M
            )
        }
        failed = counts.get("fail", 0) + counts.get("cancelled", 0)
        absent = counts.get("skipped", 0) + counts.get("todo", 0)
        passed = counts.get("pass", 0)
        return Result(
            "scripts",
            passed=passed,
            failed=max(failed, int(status != 0)),
            absent=absent,
            output=output,
        )

    return Gate("scripts", run)


def pytest_gate(name: str, *arguments: str, live: bool = False) -> Gate:
    """pytest with these arguments; a run that collects nothing has failed."""

    def run() -> Result:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments]
            status, output = call(command, live=live)
            return read_report(report, Result(name, output=output), status)

    return Gate(name, run)


def read_report(report: Path, blank: Result, status: int) -> Result:
    """pytest's JUnit report as a Result; a missing or empty report with a bad status counts as one
    failure.
    """
    if not report.is_file():
        return replace(blank, failed=1)
    cases = list(ElementTree.parse(report).iter("testcase"))
    bad = sum(
        1 for case in cases if case.find("failure") is not None or case.find("error") is not None
    )
    absent = sum(1 for case in cases if case.find("skipped") is not None)
    slowest = sorted(
        (
            (float(case.get("time", "0")), f"{case.get('classname')}::{case.get('name')}")
            for case in cases
        ),
        reverse=True,
    )
    return replace(
        blank,
        passed=len(cases) - bad - absent,
        failed=max(bad, int(status != 0)),
        absent=absent,
        slowest=tuple(slowest[:8]),
    )


def browser(name: str = "browser", *tests: str) -> Gate:
    """The tests that drive Chromium, once there is one: these, or all."""

    def run() -> Result:
        status, output = call([sys.executable, "-c", FIND_CHROMIUM])
        if status != 0:
            return Result(
                name,
                absent=1,
                output=f"There is no Chromium and none could be installed.\n{output}",
            )
        return pytest_gate(name, *(tests or ("tests/browser",))).run()

    return Gate(name, run)


def reliability_gates() -> tuple[Gate, ...]:
    """What proves the requirements of reliability: the named tests, and the long forms as long as
    the environment says (``tests/reliability/sizes.py``).
    """
    folder = "tests/reliability"
    files = {proof.split("::")[0].removeprefix("web/") for proof in list_proofs("web")}
    return (
        pytest_gate("kills", f"{folder}/test_kills.py"),
        browser("journeys", *(f"tests/{proof}" for proof in list_proofs("browser"))),
        pytest_gate("long", folder, f"--ignore={folder}/test_kills.py"),
        pytest_gate("proofs", *(f"tests/{proof}" for proof in list_proofs(""))),
        scripts(named=sorted(files)),
    )


def split_tests(marks: str) -> tuple[Gate, ...]:
    """All tests with these marks but the browser's, which are not even imported: what is ``BUSY``,
    and the rest.
    """
    busy = {name: [f"tests/{part}" for part in parts] for name, parts in BUSY.items()}
    left_out = [f"--ignore={part}" for part in ("tests/browser", *chain(*busy.values()))]
    gates = [pytest_gate(name, *parts, "-m", marks) for name, parts in busy.items()]
    return (*gates, pytest_gate("others", "tests", *left_out, "-m", marks))


def all_gates(*, fast: bool) -> tuple[Gate, ...]:
    """The gates in the order in which they start; the longest first, so that two run to the end
    side by side.
    """
    methods, networks, others = split_tests("not slow" if fast else "")
    types = tool("types", "mypy")
    checks = (
        tool("style", "ruff", "check", "--output-format=concise", "."),
        tool("format", "ruff", "format", "--check", "--output-format=concise", "."),
        contracts(),
        scripts(FAST_USERS if fast else None),
        web_tool("types-js"),
        web_tool("eslint"),
        web_tool("prettier"),
        web_tool("stylelint"),
    )
    if fast:
        return (methods, networks, others, types, *checks)
    return (browser(), methods, networks, others, types, *checks)
