"""Import every module of the product in this one process and print what any of them did on the way.

Run as ``python -m tests.rules.import_quietly [ROOT]``. An audit hook sees each opening of a file,
connection, child process and the like. It counts as the module's own when no further import lies
between: what a library does while it is imported is the library's affair.
"""

from __future__ import annotations

import importlib
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

EFFECTS = (
    "open",
    "os.",
    "shutil.",
    "socket.",
    "subprocess.",
    "sqlite3.",
    "tempfile.",
    "urllib.",
    "webbrowser.",
)
HARMLESS = ("os.listdir", "os.scandir", "os.walk", "os.fwalk")
MACHINERY = "<frozen importlib."


def module_names(root: Path) -> Iterator[str]:
    """Dotted names of all modules of the product; ``__main__`` modules are programs and left
    out.
    """
    for path in sorted(
        [*root.glob("backend/**/*.py"), *root.glob("ui/**/*.py"), *root.glob("app.py")]
    ):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[-1] != "__main__":
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_own(name: str, root: str) -> bool:
    """True for a file below ``root`` that is no library of this interpreter (its .venv may lie in
    the root).
    """
    return name.startswith(root) and not name.startswith(sys.prefix)


def culprit(frame: FrameType | None, root: str) -> str:
    """The module below ``root`` whose own top level runs this frame; empty where an import lies
    between.
    """
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(MACHINERY):
            return ""
        if is_own(name, root) and frame.f_code.co_name == "<module>":
            return f"{name.removeprefix(root).lstrip('/')}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def is_installed(event: str, given: tuple[Any, ...]) -> bool:
    """True for the reading of a file of Python or of an installed library, such as pydantic's look
    for plugins.
    """
    path, mode = (*map(str, given[:2]), "", "")[:2]
    return (
        event == "open" and mode in ("r", "rb") and path.startswith((sys.prefix, sys.base_prefix))
    )


def watch(root: str, seen: list[str]) -> None:
    """From now on, note the effects of modules below ``root`` in ``seen``. A hook cannot be taken
    off again.
    """
    own = str(Path(__file__).resolve())

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if not event.startswith(EFFECTS) or event in HARMLESS or is_installed(event, given):
            return
        where = culprit(sys._getframe(1), root)
        if where and not own.endswith(where.rpartition(":")[0]):
            seen.append(f"{where}: {event} {str(given[:2])[:120]}")

    sys.addaudithook(hook)
    start = threading.Thread.start

    def note(self: threading.Thread) -> None:
        where = culprit(sys._getframe(1), root)
        seen.extend([f"{where}: starts a thread"] if where else [])
        start(self)

    threading.Thread.start = note  # type: ignore[method-assign]


def main() -> int:
    """Import everything; 1 if a module had an effect or could not be imported."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(root))
    seen: list[str] = []
    watch(str(root), seen)
    for name in module_names(root):
        try:
            importlib.import_module(name)
        except Exception:
            seen.append(f"{name}: cannot be imported: {traceback.format_exc(limit=-1).strip()}")
    print(*seen, sep="\n")
    return int(bool(seen))


if __name__ == "__main__":
    raise SystemExit(main())
