"""Lamina: its version, the one place where it stands and the wheel takes it from, and where the
files lie that ship with the code: inside this package in a wheel, beside it in a checkout.
"""

from __future__ import annotations

from pathlib import Path

__version__ = "0.1.0"

PACKAGE = Path(__file__).resolve().parent


def find_assets(package: Path) -> Path:
    """The folder ``assets`` of an installed ``package``, else the one of the checkout around it."""
    inside = package / "assets"
    return inside if inside.is_dir() else package.parent / "assets"


ASSETS = find_assets(PACKAGE)
POCKET_FOLDER = ASSETS / "models" / "pocket"
"""The weights of the pocket family."""

LAYOUTS_FOLDER = ASSETS / "models" / "layouts"
"""Configurations of the public families, for checkpoints in a single file, which bring none."""

SCENES_FOLDER = ASSETS / "scenes"
"""The example scenes."""
