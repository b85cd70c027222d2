"""The libraries' own bars stay off the terminal."""

from __future__ import annotations

import pytest
from diffusers.utils import logging as those_of_diffusers
from transformers.utils import logging as those_of_transformers

from backend.models.load import hide_bars


def test_loading_draws_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    for library in (those_of_diffusers, those_of_transformers):
        library.enable_progress_bar()
    hide_bars()
    for library in (those_of_diffusers, those_of_transformers):
        assert len(list(library.tqdm(range(3), desc="Loading weights"))) == 3
    assert capsys.readouterr().err == ""
