"""Painting between two candidates: a new one, its place in the run, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.errors import LaminaError
from backend.scene.formats.picture_file import encode_png
from backend.studio.storage.records import Candidate
from backend.studio.studio import Studio
from tests.studio.workshop import compose, open_studio, save_scene, wait_for_end


def make(studio: Studio) -> tuple[str, tuple[Candidate, ...]]:
    project, revision = save_scene(studio)
    job = studio.generate(project, revision, compose()).job
    return project, wait_for_end(studio, job).candidates


def store_mask(studio: Studio, mask: np.ndarray) -> str:
    return studio.take_mask(encode_png(mask)).digest


def cover_left_half(side: int = 128) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    mask[:, : side // 2] = 255
    mask[:, side // 2] = 100
    return mask


def test_the_mix_is_a_candidate_of_the_base_s_run_and_keeps_every_pixel_outside_the_mask(
    tmp_path: Path,
) -> None:
    with open_studio(tmp_path) as studio:
        project, (base, other) = make(studio)
        mask = cover_left_half()
        mixed = studio.mix(project, base.id, other.id, store_mask(studio, mask))
        assert (mixed.job, mixed.index, mixed.source) == (base.job, 2, base.digest)
        assert mixed.changed_outside == 0
        pixels = studio._store.pixels
        old, new, both = (pixels.picture(one.digest) for one in (base, other, mixed))
        assert (old != new).any()
        assert np.array_equal(both[mask == 0], old[mask == 0])
        assert np.array_equal(both[mask == 255], new[mask == 255])
        again = studio.mix(project, mixed.id, other.id, store_mask(studio, 255 - mask))
        assert (again.index, again.source) == (3, mixed.digest)
        assert [one.id for one in studio.open_project(project).candidates][-2:] == [
            mixed.id,
            again.id,
        ]


def test_a_mix_has_no_recipe_but_its_base_has(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, (base, other) = make(studio)
        mixed = studio.mix(project, base.id, other.id, store_mask(studio, cover_left_half()))
        assert studio.plan_of(base.id).seeds
        with pytest.raises(LaminaError, match="painted together"):
            studio.plan_of(mixed.id)


def test_unknown_pictures_other_projects_and_empty_masks_are_refused(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, (base, other) = make(studio)
        elsewhere, _ = save_scene(studio)
        mask, empty = (
            store_mask(studio, cover_left_half()),
            store_mask(studio, np.zeros((128, 128), np.uint8)),
        )
        for given, word in (
            ((project, base.id, "nobody", mask), "no candidate"),
            ((project, base.id, other.id, "0" * 64), "no picture"),
            ((project, base.id, other.id, base.digest), "not L"),
            ((project, base.id, other.id, empty), "Nothing is painted"),
        ):
            with pytest.raises(LaminaError, match=word):
                studio.mix(*given)
        fresh = studio.open_ora(studio.export_ora(elsewhere)[0], "copy.ora")
        with pytest.raises(LaminaError, match="no candidate"):
            studio.mix(fresh.id, base.id, other.id, mask)
        assert len(studio.open_project(project).candidates) == 2
