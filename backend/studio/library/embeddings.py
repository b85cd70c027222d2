"""Learned looks: what the events of learning jobs tell of them. Their files are in the store by
digest.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from sqlite3 import Connection

from backend.plan.events import EmbeddingsCheckpoint, EmbeddingsLearned, EventKind
from backend.plan.plan import Plan, TextualInversionTask
from backend.studio.storage.migration import parse_record
from backend.studio.storage.records import LearnedEmbedding, StoredCheckpoint, StoredEmbeddings
from backend.studio.storage.storage import Storage

log = logging.getLogger(__name__)

MAX_SHOWN = 64
"""Looks that a page is told of: the newest ones of the whole store."""


def store_embeddings(
    store: Storage, plan: Plan, event: EmbeddingsLearned | EmbeddingsCheckpoint
) -> StoredEmbeddings | StoredCheckpoint:
    """The stored event of some looks; their files are then in the store."""
    phrases = {layer.id: layer.phrase for layer in plan.layers}
    if isinstance(event, EmbeddingsCheckpoint):
        return StoredCheckpoint(
            embeddings=tuple(
                LearnedEmbedding(
                    layer_id=name,
                    phrase=phrases.get(name, ""),
                    embedding=store.embeddings.add(state),
                    sample="",
                )
                for name, state in event.states.items()
            )
        )
    return StoredEmbeddings(
        embeddings=tuple(
            LearnedEmbedding(
                layer_id=name,
                phrase=phrases.get(name, ""),
                embedding=store.embeddings.add(embedding),
                sample=store.pixels.add_picture(event.samples[name]),
            )
            for name, embedding in event.embeddings.items()
        )
    )


def find_embeddings(connection: Connection) -> tuple[LearnedEmbedding, ...]:
    """The finished looks of all projects, the newest first, each once."""
    found: dict[str, LearnedEmbedding] = {}
    for kind, look in _read_events(connection, ""):
        if kind == EventKind.EMBEDDINGS_LEARNED:
            found.setdefault(look.embedding, look)
        if len(found) == MAX_SHOWN:
            break
    return tuple(found.values())


def find_checkpoints(
    connection: Connection, project: str, layer_ids: Sequence[str]
) -> dict[str, str]:
    """The digest of what was last kept of these layers' looks, where the learning was not
    brought to an end.
    """
    last: dict[str, tuple[str, str]] = {}
    for kind, look in _read_events(connection, project):
        last.setdefault(look.layer_id, (kind, look.embedding))
    return {
        layer_id: digest
        for layer_id, (kind, digest) in last.items()
        if kind == EventKind.EMBEDDINGS_CHECKPOINT and layer_id in layer_ids
    }


def resume_learning(connection: Connection, job: str, plan: Plan) -> Plan:
    """The plan of a job that learns looks, from where it stood when it was interrupted; any other
    plan as it is.
    """
    if not isinstance(plan.task, TextualInversionTask):
        return plan
    project = connection.execute("SELECT project FROM jobs WHERE id = ?", (job,)).fetchone()[0]
    kept = find_checkpoints(connection, project, plan.task.layer_ids)
    checkpoints = {**plan.task.checkpoints, **kept}
    task = plan.task.model_copy(update={"checkpoints": checkpoints})
    return plan.model_copy(update={"task": task})


def _read_events(connection: Connection, project: str) -> Iterator[tuple[str, LearnedEmbedding]]:
    """What events of learning tell, the newest first; of one project, or of all where its id is
    empty.
    """
    rows = connection.execute(
        "SELECT events.kind, events.body FROM jobs JOIN events ON events.job = jobs.id"
        " WHERE CASE WHEN json_valid(jobs.request) THEN json_extract(jobs.request, '$.kind') END"
        " = 'learn' AND events.kind IN (?, ?) AND "
        "? IN ('', jobs.project)"
        " ORDER BY jobs.number DESC, events.n DESC",
        (EventKind.EMBEDDINGS_LEARNED, EventKind.EMBEDDINGS_CHECKPOINT, project),
    )
    for row in rows:
        looks = parse_record(row["body"]).get("embeddings")
        for look in looks if isinstance(looks, list) else ():
            try:
                yield row["kind"], LearnedEmbedding(**look)
            except (TypeError, ValueError):
                log.warning("what was learned of a layer cannot be read", exc_info=True)
