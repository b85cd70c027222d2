"""What was found of a picture file, in lines that a person reads."""

from __future__ import annotations

from collections.abc import Iterator

from backend.scene.formats.picture_record import ObjectFact, PictureRecord
from backend.scene.formats.verify import CheckFinding, CheckReport
from backend.scene.records import Record

ORIGINS = {
    "generated": "generated",
    "photograph": "kept from a photograph",
    "painted": "kept from a painting",
    "imported": "kept from a picture that says nothing of itself",
    "made_elsewhere": "kept from a picture that another program generated",
    "nothing": "empty",
}
MOST_LINES = 40


class CheckLine(Record):
    """Something that a picture says of itself."""

    term: str
    text: str


class PictureCheck(Record):
    """A picture file held against its own record; ``lines`` are what it says of itself."""

    name: str
    untouched: bool
    findings: tuple[CheckFinding, ...]
    sentences: tuple[str, ...]
    lines: tuple[CheckLine, ...]


def build_check(report: CheckReport, name: str, made: str = "") -> PictureCheck:
    """The report for a page; ``made`` says which picture of the store has the same pixels."""
    sentences = report.sentences
    if made:
        sentences = (*sentences, f"Its pixels are those of a picture that was made here: {made}.")
    lines = [*_describe_record(report.record)] if report.record is not None else []
    brought = report.marks.describe()
    if brought:
        lines.append(("Marks", brought))
    return PictureCheck(
        name=name,
        untouched=report.is_untouched,
        findings=report.findings,
        sentences=sentences,
        lines=tuple(CheckLine(term=term, text=text) for term, text in lines[:MOST_LINES]),
    )


def describe_pixels(counts: dict[str, int]) -> str:
    """Counts of pixels by origin in a sentence's end."""
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    return ", ".join(f"{count:,} px {ORIGINS.get(name, name)}" for name, count in ordered)


def _describe_record(record: PictureRecord) -> Iterator[tuple[str, str]]:
    yield "Saved by", f"{record.program}, {record.width_px} × {record.height_px} px"
    yield "Pixels", describe_pixels(record.pixels)
    if record.changed_outside is not None:
        yield "Changed outside of re-rolls", f"{record.changed_outside:,} px"
    if record.runs:
        models = dict.fromkeys(
            f"{run.model} ({run.licence or 'no licence named'})" for run in record.runs
        )
        yield "Models", ", ".join(models)
    for number, one in enumerate(record.objects, 1):
        yield record.title_of(number), _describe_object(one)
    if record.runs and record.runs[-1].prompt:
        yield "Prompt", record.runs[-1].prompt
    if not record.words:
        yield "Words", "left out when it was saved"


def _describe_object(one: ObjectFact) -> str:
    parts = [describe_pixels(one.origins) or "not to be seen"]
    if one.seed is not None:
        parts.append(f"{one.model}, seed {one.seed}")
    if one.marks is not None and one.marks.describe():
        parts.append(f"its file brought {one.marks.describe()}")
    return "; ".join(parts)
