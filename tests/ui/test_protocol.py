"""The page's types are those of the records: a field added on one side alone fails here."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import ConfigDict, TypeAdapter

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


def list_enumerated() -> list[tuple[type[messages.Message], str, type[StrEnum]]]:
    """Every field of a message whose values are an enumeration."""
    return [
        (kind, name, field.annotation)
        for kind in messages.Message.__subclasses__()
        for name, field in kind.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, StrEnum)
    ]


def test_enumerations_come_as_the_words_that_the_page_says() -> None:
    """A strict record would want the member itself; a word that is none is refused."""
    assert list_enumerated()
    for kind, name, words in list_enumerated():
        field = kind.model_fields[name]
        adapter = TypeAdapter(Annotated[words, *field.metadata], config=ConfigDict(strict=True))
        for word in words:
            assert adapter.validate_python(str(word)) is word
        with pytest.raises(ValueError, match="Input should be"):
            adapter.validate_python("by magic")
