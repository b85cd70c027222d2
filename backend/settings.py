"""How this process is set up: flags win over the environment, the environment over what is usual
here.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.errors import InputError, RefusedError
from backend.logs import LEVELS

GIB = 2**30
DEVICES = ("auto", "cpu", "cuda")
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
"""What this machine is called where it is meant itself: the addresses that the studio listens on,
and the names under which a browser may ask for it. Other loopback addresses (127.0.0.2) are none.
"""


def display_host(host: str) -> str:
    """An address as it stands in a URL."""
    return f"[{host.strip('[]')}]" if ":" in host else host


def check_host(host: str) -> str:
    """The address; a RefusedError unless it is one of ``LOOPBACK_NAMES``."""
    if display_host(host.lower()) not in LOOPBACK_NAMES:
        raise RefusedError(
            f"Lamina will not open itself to {host or 'every address'}.",
            limit=(
                "It has no logins yet, so it serves this machine alone: 127.0.0.1, ::1 or "
                "localhost."
            ),
            remedy="Use --host 127.0.0.1, and an SSH tunnel to reach it from another machine.",
        )
    return host


@dataclass(frozen=True)
class Settings:
    """Everything about this machine that the program must know. Nothing below the studio reads it.

    ``cache_bytes`` bounds the models held in memory; ``threads`` is torch's, 0 leaves its own
    choice. ``log_level`` is what the terminal shows.
    """

    host: str
    port: int
    store: Path
    models: tuple[Path, ...]
    device: str
    cache_bytes: int
    threads: int
    log_level: str


def add_machine_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that every command has: where models lie and what computes."""
    parser.add_argument(
        "--models",
        action="append",
        metavar="FOLDER",
        help="a folder with models, such as ComfyUI/models, or a file; may be repeated",
    )
    parser.add_argument(
        "--device", choices=DEVICES, help="what computes (auto: a GPU when there is one)"
    )
    parser.add_argument("--cache-gb", metavar="GB", help="memory for loaded models (8)")
    parser.add_argument("--threads", metavar="N", help="threads for torch (its own choice)")
    parser.add_argument(
        "--log-level", choices=LEVELS, help="what the terminal shows of the log (warning)"
    )


def add_store_flag(parser: argparse.ArgumentParser) -> None:
    """The flag of the commands that look into the store."""
    parser.add_argument("--store", metavar="FOLDER", help="where projects are kept")


def add_serve_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the studio itself."""
    parser.add_argument(
        "--host", metavar="ADDRESS", help="loopback address to listen on (127.0.0.1)"
    )
    parser.add_argument("--port", metavar="N", help="port to listen on (7860)")


def build_settings(flags: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """Settings from parsed flags and an environment (``LAMINA_HOST``, ``LAMINA_PORT``,
    ``LAMINA_HOME``, ``LAMINA_MODELS``, ``LAMINA_DEVICE``, ``LAMINA_CACHE_GB``, ``LAMINA_THREADS``,
    ``LAMINA_LOG_LEVEL``).

    An InputError names a value out of range; a RefusedError an address that is not loopback.
    """

    def choose(flag: str, variable: str, usual: str) -> str:
        given = getattr(flags, flag, None)
        return environment.get(variable, "") or usual if given is None else str(given)

    device = _one_of(DEVICES, "device", choose("device", "LAMINA_DEVICE", "auto"))
    log_level = _one_of(LEVELS, "log level", choose("log_level", "LAMINA_LOG_LEVEL", "warning"))
    return Settings(
        host=check_host(choose("host", "LAMINA_HOST", "127.0.0.1")),
        port=_whole("port", choose("port", "LAMINA_PORT", "7860"), 0, 65535),
        store=Path(choose("store", "LAMINA_HOME", str(_usual_store(environment))))
        .expanduser()
        .absolute(),
        models=_folders(flags.models or environment.get("LAMINA_MODELS", "").split(os.pathsep)),
        device=device,
        cache_bytes=int(
            _number("cache-gb", choose("cache_gb", "LAMINA_CACHE_GB", "8"), 0.25, 4096) * GIB
        ),
        threads=_whole("threads", choose("threads", "LAMINA_THREADS", "0"), 0, 1024),
        log_level=log_level,
    )


def _one_of(known: Sequence[str], what: str, value: str) -> str:
    if value not in known:
        raise InputError(
            f"The {what} {value!r} is unknown.",
            limit=f"There are: {', '.join(known)}.",
            remedy="Use one.",
        )
    return value


def _folders(names: Sequence[str]) -> tuple[Path, ...]:
    return tuple(Path(name).expanduser().absolute() for name in names if name)


def _usual_store(environment: Mapping[str, str]) -> Path:
    """Where this platform keeps a person's program files."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA", str(home / "AppData" / "Local"))) / "Lamina"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Lamina"
    return Path(environment.get("XDG_DATA_HOME", "") or home / ".local" / "share") / "lamina"


def _number(name: str, text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise InputError(
            f"--{name} {text} cannot be used.",
            limit=f"It is a number from {least:g} to {most:g}.",
            remedy="Correct it and start again.",
        )
    return value


def _whole(name: str, text: str, least: int, most: int) -> int:
    value = _number(name, text, least, most)
    if value != int(value):
        raise InputError(
            f"--{name} {text} cannot be used.",
            limit=f"It is a whole number from {least} to {most}.",
            remedy="Correct it and start again.",
        )
    return int(value)
