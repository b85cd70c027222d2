"""Rows of candidates, written once, and a candidate mixed out of two through a mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row

from backend.errors import RequestError, StoreError
from backend.plan.events import Image
from backend.plan.layer_score import LayerScore, Scores
from backend.plan.plan import OneLayer
from backend.scene.imaging.mask import is_blank
from backend.scene.imaging.paste import mix
from backend.scene.records import PictureDigest
from backend.studio.projects.pictures import Origin, fields_of, insert_picture, rank, store_picture
from backend.studio.storage.database import new_id, now
from backend.studio.storage.pixel_files import PixelFiles
from backend.studio.storage.records import Candidate

_LISTED = (
    "SELECT candidates.*, retouches.mask AS found FROM candidates"
    " LEFT JOIN retouches ON retouches.candidate = candidates.id"
)
_LIVING = "candidates.id NOT IN (SELECT candidate FROM deleted_pictures)"


METHOD = "layout_retouch"
"""The method that draws subjects: layouts first, or layouts and their retouch at once."""


def store_candidate(
    pixels: PixelFiles, origin: Origin, image: Image, stage1: Mapping[int, str]
) -> Candidate:
    """The record of an image, whose pixels, subject mask and attention maps are then in the store.

    ``stage1`` are the digests of the run's stage-1 images by their index.
    """
    target = origin.plan.target
    own = stage1.get(image.stage1_index, "") if image.stage1_index is not None else ""
    return Candidate(
        **store_picture(pixels, origin, image) | {"scores": scores_with_maps(pixels, image)},
        layer_id=target.layer_id if isinstance(target, OneLayer) else "",
        source=target.source if isinstance(target, OneLayer) else "",
        changed_outside=image.changed_outside,
        batch=origin.plan.batch,
        stage1=own if origin.plan.stage1 is None else origin.plan.stage1,
        layout=origin.plan.method == METHOD and origin.plan.options.get("stage") == "layouts",
        mask="" if image.subject_mask is None else pixels.add_mask(image.subject_mask),
    )


def insert_candidate(connection: Connection, candidate: Candidate) -> None:
    """Write a candidate's rows, once."""
    _insert(connection, candidate)
    if candidate.layout or candidate.mask:
        connection.execute("INSERT INTO retouches VALUES (?, ?)", (candidate.id, candidate.mask))


def scores_with_maps(pixels: PixelFiles, image: Image) -> Scores:
    """The image's scores, each layer's with its stored attention map; a layer without a score
    gets an empty one.
    """
    digests = {layer_id: pixels.add_mask(grey) for layer_id, grey in image.attention_maps.items()}
    scored = {score.layer_id for score in image.scores}
    added = tuple(LayerScore(layer_id=layer_id) for layer_id in digests if layer_id not in scored)
    return tuple(
        score.model_copy(update={"heat": digests.get(score.layer_id, score.heat)})
        for score in (*image.scores, *added)
    )


@dataclass(frozen=True)
class Painted:
    """A stored picture that a person painted together: what of the candidate ``other`` (its id)
    the mask took over.
    """

    other: str
    mask: PictureDigest
    digest: str
    changed_outside: int


def insert_mix(connection: Connection, base: Candidate, painted: Painted) -> Candidate:
    """The record of a picture that was painted over ``base``; it follows the last one of the base's
    run.

    The run may still be going on, so it stands behind every place that the plan's seeds will take.
    """
    places = connection.execute(
        "SELECT MAX(MAX(position) + 1, json_array_length(jobs.plan, '$.seeds')) AS next"
        " FROM candidates JOIN jobs ON jobs.id = candidates.job WHERE candidates.job = ?",
        (base.job,),
    ).fetchone()
    candidate = base.model_copy(
        update={
            "id": new_id(),
            "index": int(places["next"]),
            "digest": painted.digest,
            "layer_id": "",
            "source": base.digest,
            "changed_outside": painted.changed_outside,
            "created": now(),
            "scores": (),
            "rank": 0,
            "layout": False,
            "mask": "",
        }
    )
    _insert(connection, candidate)
    connection.execute(
        "INSERT INTO mixes VALUES (?, ?, ?)", (candidate.id, painted.other, painted.mask)
    )
    return candidate


def is_mix(connection: Connection, candidate: str) -> bool:
    """Whether a candidate was painted together from two others."""
    return (
        connection.execute("SELECT 1 FROM mixes WHERE candidate = ?", (candidate,)).fetchone()
        is not None
    )


def _insert(connection: Connection, candidate: Candidate) -> None:
    insert_picture(connection, "candidates", candidate, left_out=("layout", "mask"))


def candidates_of_job(connection: Connection, job: str) -> tuple[Candidate, ...]:
    """In the order of the plan's seeds, ranked."""
    rows = connection.execute(
        f"{_LISTED} WHERE candidates.job = ? AND {_LIVING} ORDER BY candidates.position", (job,)
    )
    return rank([_candidate(row) for row in rows])


def candidates_of_project(connection: Connection, project: str) -> tuple[Candidate, ...]:
    """In the order in which they were made, each ranked within its job."""
    rows = connection.execute(
        (
            f"{_LISTED} JOIN jobs ON jobs.id = candidates.job WHERE jobs.project = ? AND {_LIVING}"
            " ORDER BY candidates.number"
        ),
        (project,),
    )
    return rank([_candidate(row) for row in rows])


def read_candidate(connection: Connection, candidate: str) -> Candidate:
    """The candidate of that id, or a StoreError."""
    row = connection.execute(f"{_LISTED} WHERE candidates.id = ?", (candidate,)).fetchone()
    if row is None:
        raise StoreError(
            f"There is no candidate {candidate[:40]!r}.", remedy="Choose one of the pictures shown."
        )
    return _candidate(row)


def _candidate(row: Row) -> Candidate:
    fields = fields_of(row)
    found = fields.pop("found")
    return Candidate(**fields, layout=found == "", mask=found or "")


def mix_candidates(
    pixels: PixelFiles, base: Candidate, other: Candidate, mask: PictureDigest
) -> Painted:
    """Mix two stored pictures through a stored mask (a digest) and store what comes out.

    A RequestError when the pictures differ in size or the mask is empty.
    """
    sizes = [(one.width_px, one.height_px) for one in (base, other)]
    if sizes[0] != sizes[1]:
        raise RequestError(
            (
                f"One picture has {sizes[0][0]} x {sizes[0][1]} pixels, the other {sizes[1][0]} "
                f"x {sizes[1][1]}."
            ),
            limit="Only pictures of one size can be painted into one another.",
            remedy="Choose two pictures that were made on the same canvas.",
        )
    where = pixels.mask(mask)
    if is_blank(where):
        raise RequestError(
            "Nothing is painted yet.", remedy="Paint where the other picture should show."
        )
    old, new = (pixels.picture(one.digest)[:, :, :3] for one in (base, other))
    picture, changed = mix(old, new, where)
    return Painted(other.id, mask, pixels.add_picture(picture), changed)


def pair_of(candidates: Sequence[Candidate], base: str, other: str) -> tuple[Candidate, Candidate]:
    """The two candidates of these ids; a StoreError when they are not among those of the
    project.
    """
    found = {candidate.id: candidate for candidate in candidates}
    for wanted in (base, other):
        if wanted not in found:
            raise StoreError(
                f"There is no candidate {wanted[:40]!r} in this project.",
                remedy="Choose two of the pictures shown.",
            )
    return found[base], found[other]
