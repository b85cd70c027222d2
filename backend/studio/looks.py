"""Learned looks: what the events of learning jobs tell of them. Their pixels are in the store by
digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from sqlite3 import Connection

from backend.plan.events import EmbeddingsCheckpoint, EmbeddingsLearned, EventKind
from backend.plan.plan import Plan
from backend.studio.pixel_files import PixelFiles
from backend.studio.records import LearnedLook, StoredCheckpoint, StoredEmbeddings

MAX_SHOWN = 64
"""Looks that a page is told of: the newest ones of the whole store."""


def store_looks(
    pixels: PixelFiles, plan: Plan, event: EmbeddingsLearned | EmbeddingsCheckpoint
) -> StoredEmbeddings | StoredCheckpoint:
    """The stored event of some looks; their pixels are then in the store."""
    phrases = {layer.id: layer.phrase for layer in plan.layers}
    if isinstance(event, EmbeddingsCheckpoint):
        return StoredCheckpoint(
            looks=tuple(
                LearnedLook(
                    layer_id=name,
                    phrase=phrases.get(name, ""),
                    look=pixels.add_picture(state),
                    shown="",
                )
                for name, state in event.states.items()
            )
        )
    return StoredEmbeddings(
        looks=tuple(
            LearnedLook(
                layer_id=name,
                phrase=phrases.get(name, ""),
                look=pixels.add_picture(embedding),
                shown=pixels.add_picture(event.samples[name]),
            )
            for name, embedding in event.embeddings.items()
        )
    )


def known_looks(connection: Connection) -> tuple[LearnedLook, ...]:
    """The finished looks of all projects, the newest first, each once."""
    found: dict[str, LearnedLook] = {}
    for kind, look in _told(connection, ""):
        if kind == EventKind.EMBEDDINGS_LEARNED:
            found.setdefault(look.look, look)
        if len(found) == MAX_SHOWN:
            break
    return tuple(found.values())


def begun_looks(connection: Connection, project: str, layer_ids: Sequence[str]) -> dict[str, str]:
    """The digest of what was last kept of these layers' looks, where the learning was not
    brought to an end.
    """
    last: dict[str, tuple[str, str]] = {}
    for kind, look in _told(connection, project):
        last.setdefault(look.layer_id, (kind, look.look))
    return {
        layer_id: digest
        for layer_id, (kind, digest) in last.items()
        if kind == EventKind.EMBEDDINGS_CHECKPOINT and layer_id in layer_ids
    }


def _told(connection: Connection, project: str) -> Iterator[tuple[str, LearnedLook]]:
    """What events of learning tell, the newest first; of one project, or of all where its id is
    empty.
    """
    rows = connection.execute(
        "SELECT events.kind, events.body FROM jobs JOIN events ON events.job = jobs.id"
        " WHERE json_extract(jobs.request, '$.kind') = 'learn' AND events.kind IN (?, ?) AND "
        "? IN ('', jobs.project)"
        " ORDER BY jobs.number DESC, events.n DESC",
        (EventKind.EMBEDDINGS_LEARNED, EventKind.EMBEDDINGS_CHECKPOINT, project),
    )
    for row in rows:
        for look in json.loads(row["body"])["looks"]:
            yield row["kind"], LearnedLook(**look)
