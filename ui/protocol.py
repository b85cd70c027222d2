"""The page's types, written from the JSON Schema of what crosses between it and the server.

``python -m ui.protocol`` writes ``ui/web/types/protocol.d.ts``; ``--check`` tells whether it is as
it would be written. A test holds the two together, so a field that is added on one side alone
fails the build.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import core_schema

from backend.plan.autotune import Tuned
from backend.plan.events import JobFailed, Progress
from backend.plan.request import (
    Compose,
    Decompose,
    LearnEmbeddings,
    OptionValue,
    Reroll,
)
from backend.scene.imaging.blending import Blend
from backend.scene.layer import StructureKind
from backend.studio.library.subjects import LibrarySubject
from backend.studio.storage.records import (
    EditorState,
    Facts,
    FoundLayer,
    FoundLayers,
    JobEvents,
    JobRecord,
    MixState,
    QueueReport,
    Saved,
    Stage1Record,
    StoredEmbeddings,
    StoredEvent,
    Submitted,
)
from ui.bridge import VERBS
from ui.replies import ErrorReply, LibraryReply

PATH = Path(__file__).parent / "web" / "types" / "protocol.d.ts"
WIDTH = 100

HEAD = """\
// The records that cross between the page and the server. Written by `python -m ui.protocol` from
// the server's JSON Schema: change the records in Python, then run it; never this file.

export type Digest = string;
export type Identifier = string;"""

TAIL = """\
export type Verb = keyof Replies;

/** A message: its verb, and the fields of that verb; the server refuses unknown ones. */
export type Message<V extends Verb = Verb> = { [K in V]: { verb: K } & Messages[K] }[V];
"""

PAGE_NAMES: Mapping[type[BaseModel], str] = MappingProxyType(
    {
        Compose: "ComposeRequest",
        EditorState: "EditorRecord",
        ErrorReply: "ErrorRecord",
        FoundLayer: "FoundPart",
        FoundLayers: "ApartEvent",
        JobRecord: "JobRecord",
        JobFailed: "FailedEvent",
        LearnEmbeddings: "LearnRequest",
        LibraryReply: "SubjectLibrary",
        LibrarySubject: "Subject",
        MixState: "MixRecord",
        JobEvents: "JobReport",
        Progress: "ProgressedEvent",
        Reroll: "RerollRequest",
        Saved: "SavedReply",
        Stage1Record: "Stage1Image",
        StoredEmbeddings: "LearnedEvent",
        Submitted: "SubmittedJob",
        Decompose: "DecomposeRequest",
        Tuned: "TunedLayer",
    }
)
"""Records that the page calls otherwise: its own words for them are taken, or say more there."""

ALIASES: Mapping[str, Any] = MappingProxyType(
    {
        "BlendMode": Blend,
        "StructureKind": StructureKind,
        "OptionValue": OptionValue,
    }
)
"""Unions of values that have a name of their own on the page."""

UNIONS: Mapping[str, Any] = MappingProxyType(
    {"AnyRequest": Compose | Reroll | LearnEmbeddings | Decompose, "JobEvent": StoredEvent}
)
"""Unions of records that have a name of their own on the page."""

SENT: tuple[type[BaseModel], ...] = (Compose, Reroll, LearnEmbeddings, Decompose)
"""Records that stand inside of messages as plain dictionaries."""

PATTERNS = {
    "^[0-9a-f]{64}$": "Digest",
    "^[A-Za-z0-9_-]{1,64}$": "Identifier",
    "^([0-9a-f]{64})?$": 'Digest | ""',
}
PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}

Schema = Mapping[str, Any]


class Schemas(GenerateJsonSchema):
    """JSON Schema in which a field of a dictionary may be missing where its type says so."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        """Whether an object always has the field."""
        if field["type"] == "typed-dict-field":
            return field.get("required", total)
        return super().field_is_required(field, total)


class Writer:
    """Turns JSON Schema into TypeScript; ``names`` are the page's names by those of ``$defs``."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._aliases = {
            _key(TypeAdapter(values).json_schema()): name for name, values in ALIASES.items()
        }
        self._unions: dict[str, str] = {}
        self._unions = {
            self.type_of(TypeAdapter(members).json_schema()): name
            for name, members in UNIONS.items()
        }

    def name(self, definition: str) -> str:
        """What the page calls a definition."""
        return self._names.get(definition, definition)

    def type_of(self, schema: Schema) -> str:
        """The type of a value; ``page`` in a schema names the page's type for it."""
        if "page" in schema:
            return str(schema["page"])
        if "$ref" in schema:
            return self.name(schema["$ref"].rsplit("/", 1)[-1])
        if (alias := self._aliases.get(_key(schema))) is not None:
            return alias
        if "const" in schema:
            return _literal(schema["const"])
        if "enum" in schema:
            return " | ".join(map(_literal, schema["enum"]))
        for union in ("anyOf", "oneOf"):
            if union in schema:
                types = " | ".join(dict.fromkeys(map(self.type_of, schema[union])))
                return self._unions.get(types, types)
        return self._of_kind(schema)

    def _of_kind(self, schema: Schema) -> str:
        kind = schema.get("type")
        if kind == "array":
            return self._array(schema)
        if kind == "object":
            if "properties" in schema:
                return f"{{ {' '.join(self.fields(schema))} }}"
            patterns = tuple(schema.get("patternProperties", {}).values())
            values = patterns[0] if patterns else schema.get("additionalProperties", True)
            value = "unknown" if values is True else self.type_of(values)
            return f"Readonly<Record<string, {value}>>"
        if kind == "null":
            return "null"
        return PATTERNS.get(schema.get("pattern", ""), PLAIN.get(str(kind), "unknown"))

    def _array(self, schema: Schema) -> str:
        if "prefixItems" in schema:
            return f"readonly [{', '.join(map(self.type_of, schema['prefixItems']))}]"
        item = self.type_of(schema.get("items", {}))
        return f"readonly ({item})[]" if " | " in item else f"readonly {item}[]"

    def fields(self, schema: Schema) -> Iterator[str]:
        """The lines of an object's fields."""
        required = schema.get("required", ())
        for name, field in schema.get("properties", {}).items():
            mark = "" if name in required or _is_always_there(field) else "?"
            yield f"{name}{mark}: {self.type_of(field)};"

    def declare(self, name: str, schema: Schema) -> str:
        """The declaration of a record or of an enum."""
        page_name = self.name(name)
        if "enum" in schema or "const" in schema:
            return _alias(page_name, self.type_of(schema).split(" | "))
        lines = [f"  {field}" for field in self.fields(schema)]
        if not lines:
            return f"export type {page_name} = Readonly<Record<never, never>>;"
        return "\n".join([f"export interface {page_name} {{", *lines, "}"])


def write_protocol() -> str:
    """The whole of ``protocol.d.ts``, with its lines broken as Prettier breaks them."""
    replies = tuple(dict.fromkeys(verb.reply for verb in VERBS.values()))
    messages = tuple(dict.fromkeys(verb.message for verb in VERBS.values()))
    answered = _definitions((*replies, Facts, QueueReport), "serialization")
    asked = _definitions((*SENT, ErrorReply, *messages), "validation")
    sent = {message.__name__ for message in messages}
    names = {kind.__name__: name for kind, name in PAGE_NAMES.items()}
    writer = Writer(names)
    parts = [HEAD]
    parts += [_alias(name, tuple(_values(values))) for name, values in ALIASES.items()]
    parts += [writer.declare(name, schema) for name, schema in answered.items()]
    parts += [
        Writer(names | {name: f"{name}Message"} if name in sent else names).declare(name, one)
        for name, one in asked.items()
        if name in sent or name not in answered
    ]
    parts += [_union(name, members, names) for name, members in UNIONS.items()]
    parts.append(_table("Messages", "What each verb carries.", _messages()))
    parts.append(_table("Replies", "What each verb answers.", _replies(names)))
    return "\n\n".join([*parts, TAIL])


def _definitions(models: Sequence[type[BaseModel]], mode: JsonSchemaMode) -> dict[str, Schema]:
    """The schemas of these models and of all that they hold, by their class names."""
    _, schema = models_json_schema([(model, mode) for model in models], schema_generator=Schemas)
    definitions: dict[str, Schema] = schema["$defs"]
    return dict(sorted(definitions.items()))


def _messages() -> dict[str, str]:
    return {name: f"{verb.message.__name__}Message" for name, verb in VERBS.items()}


def _replies(names: Mapping[str, str]) -> dict[str, str]:
    reply_names = {name: verb.reply.__name__ for name, verb in VERBS.items()}
    return {name: names.get(reply, reply) for name, reply in reply_names.items()}


def _table(name: str, comment: str, rows: Mapping[str, str]) -> str:
    lines = [f"  {verb}: {kind};" for verb, kind in rows.items()]
    return "\n".join([f"/** {comment} */", f"export interface {name} {{", *lines, "}"])


def _union(name: str, members: Any, names: Mapping[str, str]) -> str:
    schema = TypeAdapter(members).json_schema()
    found = [one["$ref"].rsplit("/", 1)[-1] for one in schema.get("oneOf", schema.get("anyOf", ()))]
    return _alias(name, [names.get(one, one) for one in found])


def _alias(name: str, members: Sequence[str]) -> str:
    """A name for a union, its lines broken as Prettier breaks them."""
    line = f"export type {name} = {' | '.join(members)};"
    if len(line) <= WIDTH:
        return line
    rest = f"  {' | '.join(members)};"
    if len(rest) <= WIDTH:
        return f"export type {name} =\n{rest}"
    return "\n".join([f"export type {name} =", *(f"  | {one}" for one in members)]) + ";"


def _is_always_there(field: Schema) -> bool:
    """Whether the page sends a field although it has a default: what tells a record's kind, and
    whole records.
    """
    return "const" in field or ("$ref" in field and isinstance(field.get("default"), dict))


def _values(values: Any) -> Iterator[str]:
    schema = TypeAdapter(values).json_schema()
    if "enum" in schema:
        yield from map(_literal, schema["enum"])
    else:
        yield from dict.fromkeys(PLAIN[one["type"]] for one in schema["anyOf"])


def _key(schema: Schema) -> str:
    """A schema's values, whatever its title and default."""
    kept = {name: schema[name] for name in ("enum", "anyOf", "type") if name in schema}
    return repr(kept)


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def main(arguments: Sequence[str]) -> int:
    """Write the file, or with ``--check`` compare it; 1 when it differs."""
    written = write_protocol()
    if "--check" in arguments:
        return int(PATH.read_text(encoding="utf-8") != written)
    PATH.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
