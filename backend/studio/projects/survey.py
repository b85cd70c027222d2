"""What the studio says of a scene before anything is made from it: pixels at hand, coverage,
notes.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.errors import LaminaError, ModelError, RequestError, SceneError
from backend.plan.build import scene_notes
from backend.plan.card import Card
from backend.plan.notes import list_ignored, prompt_alone_notes, without_layer_notes
from backend.plan.painted import notes_on_painted, with_painted
from backend.plan.plan import Note
from backend.plan.request import AnyRequest, Compose, Decompose, Reroll, RunSettings
from backend.plan.survey import Survey, Surveyed, survey
from backend.scene.blobs import Contents
from backend.scene.scene import Scene
from backend.studio.jobs.worker import Offer
from backend.studio.projects.damage import MENDING, describe_damage, read_all
from backend.studio.storage.records import Coverage, EditorState
from backend.studio.storage.storage import Storage

OPEN = "clipseg"
"""The member that takes any phrase."""


@dataclass(frozen=True)
class SceneReport:
    """How much each layer shows, and what a person should know."""

    coverage: tuple[Coverage, ...]
    notes: tuple[Note, ...]


class SceneSurvey:
    """Looks at scenes with the pixels of the store and the card of the chosen model."""

    def __init__(self, store: Storage, offer: Offer) -> None:
        self._store = store
        self._pixels = store.pixels
        self._offer = offer

    def report(self, scene: Scene, editor: EditorState) -> SceneReport:
        """Coverage and notes from one survey. Never refuses: a missing model or damaged pixels
        become notes.
        """
        try:
            card, notes = self._card(editor.settings.model)
            seen = survey(scene, card, self._pixels)
            found = self.add_notes(seen, editor.settings, scene_notes(seen, editor.settings))
            return SceneReport(tuple(map(_coverage, seen.layers)), notes + found)
        except LaminaError as error:
            damage = describe_damage(read_all(scene, self._pixels))
            text = f"{damage} {MENDING}" if damage else error.sentence
            return SceneReport((), (Note(code="unreadable", text=text),))

    def add_notes(
        self, seen: Survey, settings: RunSettings, notes: tuple[Note, ...]
    ) -> tuple[Note, ...]:
        """The notes of a scene with what the chosen method leaves unread, and what it wants of
        painted layers.

        The latter where it draws them by class.
        """
        method = next(
            (method for method in self._offer.methods() if method.id == settings.method), None
        )
        if method is None:
            return notes
        if method.prompt_alone:
            alone = prompt_alone_notes(seen.scene, method.title)
            return (*without_layer_notes(notes, seen.scene), *alone)
        notes = (*notes, *list_ignored(seen.scene, method.title, method.ignores))
        if not method.stage1:
            return notes
        facts = next((model for model in self._offer.models() if model.id == seen.card.id), None)
        listed = facts is not None and facts.classes and OPEN not in facts.members
        painted = notes_on_painted(seen.layers, facts.classes if facts and listed else None)
        return with_painted(notes, painted)

    def require_pixels(self, scene: Scene) -> None:
        """A SceneError that names the first layer whose pixels are not in the store; a StoreError
        where the store itself is gone.
        """
        for layer in scene.layers:
            wanted = (layer.picture, layer.mask, layer.strength_map)
            missing: list[str] = [
                digest for digest in wanted if digest and not self._pixels.has(digest)
            ]
            if layer.embedding is not None and not self._store.contents.has_blob(layer.embedding):
                missing.append(layer.embedding)
            if missing:
                self._pixels.require_folder()
                raise SceneError(
                    f"The pixels {missing[0][:12]} of layer {layer.name or layer.id!r} are not in"
                    " the studio's store.",
                    remedy="Add the picture to the scene again.",
                )

    def require_source(self, request: AnyRequest) -> None:
        """A RequestError when the picture to be re-rolled or taken apart is not in the store."""
        if isinstance(request, Reroll | Decompose) and not self._pixels.has(request.source):
            raise RequestError(
                f"The picked picture {request.source[:12]} is not in the studio's store.",
                remedy="Pick one of the candidates and try again.",
            )

    def require_stage1(self, request: Compose) -> None:
        """A RequestError when the draft to be refined is not in the store, or the method makes
        nothing of drafts.
        """
        if request.stage1 is None:
            return
        if not self._pixels.has(request.stage1):
            raise RequestError(
                f"The draft {request.stage1[:12]} is not in the studio's store.",
                remedy="Choose one of the drafts shown and try again.",
            )
        titles = {method.id: method.title for method in self._offer.methods() if method.stage1}
        if request.settings.method not in titles:
            raise RequestError(
                f"The method {request.settings.method} does not go on from a draft.",
                limit=f"Methods of two stages are: {', '.join(titles.values()) or 'none'}.",
                remedy="Choose one of them, then refine the draft.",
            )

    def keep_contents(self, scene: Scene, contents: Contents) -> None:
        """Copy all pixels and embeddings that a scene refers to into the store."""
        for layer in scene.layers:
            if layer.picture is not None:
                self._pixels.add_picture(contents.picture(layer.picture))
            if layer.embedding is not None:
                self._store.embeddings.add(contents.blob(layer.embedding))
            if layer.mask is not None:
                self._pixels.add_mask(contents.mask(layer.mask))
            if layer.strength_map is not None:
                self._pixels.add_mask(contents.mask(layer.strength_map))

    def _card(self, model: str) -> tuple[Card, tuple[Note, ...]]:
        """The chosen model's card; when it is gone the first there is, and a note that says so."""
        try:
            return self._offer.card(model), ()
        except ModelError as error:
            present = self._offer.models()
            if not present:
                raise
            return self._offer.card(present[0].id), (
                Note(code="model_missing", text=error.sentence),
            )


def _coverage(seen: Surveyed) -> Coverage:
    return Coverage(
        layer_id=seen.layer.id, visible_frac=seen.visible_frac, cells=seen.visible_cells
    )
