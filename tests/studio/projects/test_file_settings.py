"""One unknown setting of a file costs that setting alone; all others are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.models.catalog import Catalog
from backend.plan.request import RunSettings
from backend.scene.formats.openraster import read_ora
from backend.studio.projects.file_settings import read_settings
from backend.workers.offer import CatalogOffer
from tests.studio.workshop import open_studio

CASES = Path(__file__).parents[2] / "fixtures" / "cases"
KEPT: dict[str, Any] = {
    "model": "pocket",
    "method": "collage",
    "sampler": "euler",
    "steps": 12,
    "guidance_scale": 7.5,
    "seed": 77,
    "count": 3,
    "options": {"blur_px": 4.0, "attention": False},
}


def test_a_newer_sampler_is_named_and_all_else_is_kept(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        content = (CASES / "newer_sampler.ora").read_bytes()
        project = studio.open_ora(content, "newer_sampler.ora")
        settings = project.editor.settings
        assert (settings.seed, settings.steps, settings.count) == (77, 12, 3)
        assert settings.sampler == RunSettings().sampler
        assert any("sampler = 'newton' is not known here" in note.text for note in project.notes)
        again = read_ora(studio.export_ora(project.id)[0])
        assert again.settings["seed"] == 77


@pytest.mark.parametrize(
    ("name", "value", "taken", "words"),
    [
        ("sampler", "newton", "ddim", "sampler = 'newton' is not known here"),
        ("steps", 500, 200, "steps = 500 is out of range. At most 200 is allowed. 200 is taken"),
        ("steps", 0, 1, "At least 1 is allowed"),
        ("guidance_scale", "high", 5.0, "guidance = 'high' cannot be used"),
        ("count", 40, 16, "candidates = 40 is out of range"),
        ("seed", "lucky", 0, "seed = 'lucky'"),
        ("seed", 2**60, 2**53 - 1, "seed = "),
        ("model", "sd 1.5", "pocket", "model = 'sd 1.5' cannot be used. “pocket” is taken"),
        ("eta_noise", 2, None, "The file says eta noise = 2."),
    ],
)
def test_each_setting_is_kept_by_itself(
    name: str, value: object, taken: object, words: str
) -> None:
    read = read_settings({**KEPT, name: value}, CatalogOffer(Catalog(()), "cpu"))
    (note,) = read.notes
    assert words in note
    wanted = KEPT if taken is None else {**KEPT, name: taken}
    assert read.settings == RunSettings.model_validate(wanted)


@pytest.mark.parametrize(
    ("name", "value", "taken", "words"),
    [
        ("blur_px", 100.0, 64.0, "Blur between strengths = 100.0 is out of range. It goes from 0"),
        ("noise_stream", "pink", None, "Noise of held parts = 'pink' is not known here. Known are"),
        ("attention", "perhaps", None, "Region attention = 'perhaps'"),
        ("halo", 3, None, "halo = 3. Collage Diffusion has no such option."),
        ("halo", [3], None, "halo = [3]"),
        ("halo", None, None, "halo = not a value"),
    ],
)
def test_each_option_is_kept_by_itself(name: str, value: object, taken: object, words: str) -> None:
    options = {**KEPT["options"], name: value}
    read = read_settings({**KEPT, "options": options}, CatalogOffer(Catalog(()), "cpu"))
    (note,) = read.notes
    assert words in note
    wanted = {other: one for other, one in KEPT["options"].items() if other != name}
    assert read.settings.options == wanted | ({} if taken is None else {name: taken})
    assert (read.settings.seed, read.settings.steps) == (77, 12)


def test_an_unknown_method_keeps_the_dials(tmp_path: Path) -> None:
    read = read_settings({**KEPT, "method": "paint_by_numbers"}, CatalogOffer(Catalog(()), "cpu"))
    assert read.settings == RunSettings.model_validate({**KEPT, "options": {}})
    assert "“paint_by_numbers” is not known here. Known are Collage Diffusion" in read.notes[0]


def test_a_seed_of_minus_one_is_drawn(tmp_path: Path) -> None:
    one, other = (read_settings({**KEPT, "seed": -1}) for _ in range(2))
    assert one.settings.seed != other.settings.seed
    assert str(one.settings.seed) in one.notes[0]


def test_settings_that_are_no_record_give_the_usual_ones() -> None:
    assert read_settings({"options": 3}).settings == RunSettings()
    assert read_settings({}) == (RunSettings(), ())
