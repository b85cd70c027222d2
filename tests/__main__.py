"""Run the tests.

python -m tests               every gate that needs no GPU
python -m tests fast          the same without slow tests and without a browser, in under a minute
python -m tests reliability   what proves the requirements of reliability, in at most 8 minutes
python -m tests nightly       the same with its long forms, in about an hour
python -m tests PATH…         pytest with these arguments

The last line is always ``N passed, N failed``; the exit status is 0 only when nothing failed. With
the environment variable CI set, a gate that cannot run (no browser, no Node.js) has failed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.gates import Gate, Result, all_gates, pytest_gate, reliability_gates, time_gate
from tests.reliability.requirements import REQUIREMENTS
from tests.reliability.sizes import VARIABLE

SIDE_BY_SIDE = 2
SHOWN_LINES = 200


def run_gates(gates: Sequence[Gate]) -> list[Result]:
    """Two gates at a time, in order; each is reported as it ends. The results keep the order of the
    gates.
    """
    print("running", ", ".join(gate.name for gate in gates), flush=True)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        runs = {pool.submit(time_gate, gate): number for number, gate in enumerate(gates)}
        results: dict[int, Result] = {}
        for run in as_completed(runs):
            results[runs[run]] = run.result()
            report(run.result())
    return [results[number] for number in range(len(gates))]


def report(result: Result) -> None:
    """One line for a gate that passed; what it said, as well, for one that did not."""
    if result.failed or result.absent:
        print(f"\n─── {result.name} ───")
        print(*result.output.strip().splitlines()[-SHOWN_LINES:], sep="\n")
    word = "failed" if result.failed else "not run" if result.absent else "passed"
    print(f"{result.name:10} {word} after {result.seconds:.0f} s", flush=True)


def table(results: Sequence[Result]) -> str:
    """The gates with their counts and seconds, and the slowest tests."""
    lines = [
        "",
        f"{'gate':10} {'passed':>7} {'failed':>7} {'not run':>8} {'seconds':>8}",
    ]
    for one in results:
        counts = f"{one.passed:7} {one.failed:7} {one.absent:8}"
        lines.append(f"{one.name:10} {counts} {one.seconds:8.1f}")
    slowest = sorted((case for one in results for case in one.slowest), reverse=True)[:8]
    return "\n".join(
        [*lines, "", "slowest tests", *(f"{seconds:8.1f} s  {name}" for seconds, name in slowest)]
    )


def describe_open() -> str:
    """What of the requirements is not proven, and why."""
    rows = [f"R{number:<3} {one.lacks}" for number, one in REQUIREMENTS.items() if one.lacks]
    return "\n".join(["", "open of the requirements", *rows])


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for and print the closing line."""
    start = time.monotonic()
    if arguments and arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    if list(arguments) in (["reliability"], ["nightly"]):
        os.environ[VARIABLE] = {"reliability": "push", "nightly": "nightly"}[arguments[0]]
        results = run_gates(reliability_gates())
        print(table(results))
        print(describe_open())
    elif arguments and list(arguments) != ["fast"]:
        results = [time_gate(pytest_gate("pytest", *arguments, live=True))]
    else:
        results = run_gates(all_gates(fast=bool(arguments)))
        print(table(results))
    print(f"\n{time.monotonic() - start:.0f} s in all on {os.cpu_count()} cores")
    failed = sum(one.failed for one in results)
    print(f"{sum(one.passed for one in results)} passed, {failed} failed", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
