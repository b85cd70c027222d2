"""The page's types are those of the records: a field added on one side alone fails here."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.scene.records import Record
from ui import messages, protocol
from ui.bridge import VERBS
from ui.protocol import PATH, Writer, main, write_protocol


class Sample(Record):
    name: str
    count: int = 1
    places: tuple[float, ...] | None = None


def test_the_committed_types_are_those_of_the_records() -> None:
    written = PATH.read_text(encoding="utf-8")
    assert written == write_protocol(), "run python -m ui.protocol and commit what it writes"


def test_every_verb_has_its_message_and_its_reply() -> None:
    written = write_protocol()
    for name, verb in VERBS.items():
        assert f"  {name}: {verb.message.__name__}Message;" in written
        assert f"export interface {verb.message.__name__}Message" in written or not (
            verb.message.model_fields
        )


def test_a_field_that_is_added_to_a_record_changes_the_types() -> None:
    schema = Sample.model_json_schema()
    declared = Writer({}).declare("Sample", schema)
    assert declared == (
        "export interface Sample {\n"
        "  name: string;\n"
        "  count?: number;\n"
        "  places?: readonly number[] | null;\n"
        "}"
    )
    grown = {**schema, "properties": {**schema["properties"], "new": {"type": "boolean"}}}
    assert "  new?: boolean;" in Writer({}).declare("Sample", grown)


def test_check_tells_when_the_file_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "PATH", tmp_path / "protocol.d.ts")
    assert main([]) == 0
    assert main(["--check"]) == 0
    (tmp_path / "protocol.d.ts").write_text("export {};\n", encoding="utf-8")
    assert main(["--check"]) == 1


def test_a_new_subject_says_its_method_as_the_page_does() -> None:
    """Enumerations come as their words; a word that is none is refused."""
    said = {"class_word": "car", "method": "textual_inversion", "references": ["a" * 64]}
    assert messages.MakeSubject.model_validate(said).method == "textual_inversion"
    with pytest.raises(ValueError, match="method"):
        messages.MakeSubject.model_validate({**said, "method": "by magic"})
