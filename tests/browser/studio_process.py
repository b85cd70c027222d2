"""The whole program as a person starts it: ``python app.py`` with a store of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 300
OPEN_LINE = re.compile(r"(http://127\.0\.0\.1:\d+)")


@dataclass
class StudioProcess:
    """A running studio. ``output`` is all it printed; ``started_s`` how long it took to open;
    ``checkout`` is the folder that its code lies in.
    """

    store: Path
    checkout: Path = ROOT
    url: str = ""
    started_s: float = 0.0
    output: list[str] = field(default_factory=list)

    def start(self, port: int = 0) -> StudioProcess:
        """Start it and wait for the line with its address. RuntimeError with what it said
        otherwise.
        """
        command = [
            sys.executable,
            "-u",
            "app.py",
            "--port",
            str(port),
            "--store",
            str(self.store),
            "--device",
            "cpu",
        ]
        started = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=self.checkout,
            env=dict(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        opened = threading.Event()
        threading.Thread(target=self._listen, args=(self._process, opened), daemon=True).start()
        while not opened.wait(0.05):
            if self._process.poll() is not None or time.monotonic() - started > START_LIMIT_S:
                self.stop()
                raise RuntimeError("The studio did not open:\n" + "".join(self.output))
        self.started_s = time.monotonic() - started
        return self

    def _listen(self, process: subprocess.Popen[str], opened: threading.Event) -> None:
        for line in process.stdout or ():
            self.output.append(line)
            found = OPEN_LINE.search(line)
            if found:
                self.url = found.group(1)
                opened.set()

    def cpu_by_thread(self) -> dict[str, float]:
        """The processor time in s that each thread has used so far, by Linux's account of it."""
        tick_s = 1 / os.sysconf("SC_CLK_TCK")
        accounts = {
            path.name: (path / "stat").read_text().rsplit(") ", 1)[1].split()
            for path in Path(f"/proc/{self._process.pid}/task").iterdir()
        }
        return {
            name: (int(account[11]) + int(account[12])) * tick_s
            for name, account in accounts.items()
        }

    def kill(self) -> None:
        """End it without a warning, as a crash does."""
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        """End it in order."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
