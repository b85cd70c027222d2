"""The files that a rule looks at: what git tracks or would track, or every file where there is no
git.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = {".venv", ".git", "__pycache__", "build", "runs", "node_modules"}
TEXT = {
    ".py",
    ".js",
    ".mjs",
    ".css",
    ".html",
    ".svg",
    ".md",
    ".toml",
    ".txt",
    ".json",
    ".yml",
    ".yaml",
    ".sh",
    "",
}


@dataclass(frozen=True)
class Breach:
    """One broken rule: where (path from the root, line), which rule, and what was found."""

    path: str
    line: int
    rule: str
    found: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.found}"


def list_files(root: Path = ROOT) -> tuple[Path, ...]:
    """Paths below ``root``, relative to it and sorted; files that git ignores are left out."""
    asked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0:
        found = {Path(name) for name in asked.stdout.split("\0") if name}
    else:
        found = {
            path.relative_to(root) for path in root.rglob("*") if not BUILT.intersection(path.parts)
        }
    return tuple(sorted(path for path in found if (root / path).is_file()))


def read_text(path: Path, root: Path = ROOT) -> str:
    """The text of a source or document; empty for pictures, weights and the like."""
    return (
        (root / path).read_text(encoding="utf-8", errors="replace") if path.suffix in TEXT else ""
    )
