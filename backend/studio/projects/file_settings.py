"""The settings that a scene file carries, as far as this Lamina knows them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from backend.errors import RequestError
from backend.plan.request import OptionValue, RunSettings
from backend.plan.upgrade import upgrade_settings
from backend.scene.records import draw_seed, is_any_seed
from backend.scene.repair import repair_record
from backend.scene.wording import display_value, shorten
from backend.studio.jobs.worker import Offer
from backend.studio.storage.records import MethodFacts

log = logging.getLogger(__name__)


class ReadSettings(NamedTuple):
    """The settings of a file, and sentences about what could not be read of them."""

    settings: RunSettings
    notes: tuple[str, ...] = ()


def read_settings(settings: Mapping[str, Any], offer: Offer | None = None) -> ReadSettings:
    """The settings of an opened file, each kept that can be kept.

    Args:
        settings: The JSON object of the file.
        offer: What this machine can be asked for; without it methods and options are not looked at.

    Returns:
        The settings, and a sentence for each that is not known here: its usual value is taken.
    """
    upgraded = upgrade_settings(settings)
    record, notes = _with_drawn_seed(dict(upgraded) if isinstance(upgraded, Mapping) else {})
    try:
        kept = repair_record(record, RunSettings.model_validate, "file")
    except ValidationError as error:
        log.warning("the settings of a file cannot be read: %s", error)
        return ReadSettings(
            RunSettings(),
            ("The file's settings are damaged. The usual ones are taken; choose your own again.",),
        )
    read = ReadSettings(RunSettings.model_validate(kept.record), (*notes, *kept.notes))
    return read if offer is None else _with_known_method(read, offer)


def _with_drawn_seed(record: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The record with a seed in place of −1, and the sentence that says so."""
    if not is_any_seed(record.get("seed")):
        return record, ()
    seed = draw_seed()
    return {**record, "seed": seed}, (
        f"The file's seed is −1, a new one each time. The seed {seed} was drawn; press the dice "
        "for another.",
    )


def _with_known_method(read: ReadSettings, offer: Offer) -> ReadSettings:
    """The settings with a method of the offer, and with options that it takes."""
    methods = {method.id: method for method in offer.methods()}
    settings = read.settings
    if settings.method not in methods:
        usual = methods.get(RunSettings().method) or next(iter(methods.values()))
        note = (
            f"The file's method “{shorten(settings.method)}” is not known here. Known are "
            f"{', '.join(method.title for method in methods.values())}. {usual.title} is taken "
            "with its usual options; choose another if need be."
        )
        chosen = settings.model_copy(update={"method": usual.id, "options": {}})
        return ReadSettings(chosen, (*read.notes, note))
    method = methods[settings.method]
    options, notes = dict(settings.options), list(read.notes)
    for name, value in settings.options.items():
        try:
            offer.check_options(method.id, {name: value})
        except RequestError:
            options, note = _without_option(options, name, method)
            notes.append(note)
    try:
        offer.check_options(method.id, options)
    except RequestError as error:  # each alone is allowed, all together are not
        options = {}
        notes.append(f"{error.what} {error.limit} The usual options of {method.title} are taken.")
    return ReadSettings(settings.model_copy(update={"options": options}), tuple(notes))


def _without_option(
    options: Mapping[str, OptionValue], name: str, method: MethodFacts
) -> tuple[dict[str, OptionValue], str]:
    """The options without one that the method refuses, or with the nearest value that it takes;
    and the sentence that says so.
    """
    value = options[name]
    schema = cast("Mapping[str, Any]", method.options["properties"]).get(name)
    rest = {other: one for other, one in options.items() if other != name}
    if schema is None:
        return rest, (
            f"The file says {shorten(name.replace('_', ' '))} = {display_value(value)}. "
            f"{method.title} has no such option. It is left out; a newer Lamina may read it."
        )
    called = f"The file's {shorten(str(schema.get('title', name)))} = {display_value(value)}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(value, int | float) and not isinstance(value, bool) and None not in (low, high):
        nearest = min(max(value, low), high)
        return {**rest, name: nearest}, (
            f"{called} is out of range. It goes from {low:g} to {high:g}. {nearest:g} is taken; "
            "choose another if need be."
        )
    known = ", ".join(map(str, schema.get("enum", ())))
    limit = f" Known are {known}." if known else ""
    return rest, (
        f"{called} is not known here.{limit} The usual one is taken; choose another if need be."
    )
