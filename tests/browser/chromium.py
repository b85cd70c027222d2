"""Finds a Chromium for the tests, or installs one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

VARIABLE = "LAMINA_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_LIMIT_S = 600

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
)


def find() -> str:
    """The path of a Chromium: the environment's, Playwright's own, one on the PATH; empty if there
    is none.

    A path in the environment that leads nowhere is an error, not a reason to take another browser.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not Path(named).is_file():
            raise SystemExit(f"{VARIABLE} names {named}, which is not a file. Correct or unset it.")
        return named
    places = [playwrights_own(), *(shutil.which(name) or "" for name in NAMES)]
    return next((place for place in places if Path(place).is_file() and starts(place)), "")


def starts(place: str) -> bool:
    """Whether this browser can be run at all: a downloaded one may lack the system's libraries."""
    try:
        return (
            subprocess.run(
                [place, "--version"], capture_output=True, timeout=60, check=False
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def playwrights_own() -> str:
    """Where this version of Playwright keeps its Chromium, whether it is there or not."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def find_or_install() -> str:
    """The path of a Chromium, which is installed if need be; SystemExit with a sentence if none can
    be had.
    """
    found = find()
    for command in () if found else installers():
        print(f"No Chromium was found; trying: {' '.join(command)}", file=sys.stderr, flush=True)
        if try_command(command):
            found = find()
        if found:
            break
    if not found:
        raise SystemExit(
            "No Chromium was found and none could be installed. Install one, or point "
            f"{VARIABLE} at it."
        )
    return found


def installers() -> list[list[str]]:
    """What may bring a Chromium, in order: Playwright's download, then (for root alone) the
    system's packages.
    """
    commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.name == "posix" and os.geteuid() == 0:
        if shutil.which("apt-get"):
            commands += [
                ["apt-get", "update", "-q"],
                ["apt-get", "install", "-y", "-q", "chromium"],
            ]
        elif shutil.which("dnf"):
            commands.append(["dnf", "install", "-y", "-q", "chromium"])
    return commands


def try_command(command: list[str]) -> bool:
    """Whether a command ran to its end well, within its time."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, stdout=sys.stderr, timeout=INSTALL_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
