"""Model folders and loaded bundles that several test folders share; each is made once a session."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch

from backend import POCKET_FOLDER
from backend.models.bundle import ModelBundle
from backend.models.card import read_card
from backend.models.load import load_bundle
from tests.models.tiny import build_tiny_1, build_tiny_2, build_tiny_xl


@functools.cache
def tiny_folder(name: str, base: Path) -> Path:
    """The folder of that name under ``base``, built at the first question."""
    return {"tiny-1": build_tiny_1, "tiny-2": build_tiny_2, "tiny-xl": build_tiny_xl}[name](
        base / name
    )


@functools.cache
def bundle_of(folder: Path) -> ModelBundle:
    """A loaded bundle, by the same path as any model of a user."""
    return load_bundle(read_card(folder, folder.name, folder.name), torch.device("cpu"))


@pytest.fixture(scope="session")
def model_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the tiny models."""
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def tiny1(model_base: Path) -> ModelBundle:
    """Like SD 1.x."""
    return bundle_of(tiny_folder("tiny-1", model_base))


@pytest.fixture
def tiny2(model_base: Path) -> ModelBundle:
    """Like SD 2.x."""
    return bundle_of(tiny_folder("tiny-2", model_base))


@pytest.fixture
def pocket() -> ModelBundle:
    """The embedded family."""
    return bundle_of(POCKET_FOLDER)


@pytest.fixture(
    params=[
        "tiny-1",
        "tiny-2",
        pytest.param("tiny-xl", marks=pytest.mark.slow),
        pytest.param("pocket", marks=pytest.mark.slow),
    ]
)
def bundle(request: pytest.FixtureRequest, model_base: Path) -> ModelBundle:
    """Each of the four in turn."""
    return bundle_of(
        POCKET_FOLDER if request.param == "pocket" else tiny_folder(request.param, model_base)
    )
