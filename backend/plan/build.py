"""From a scene and a request to a plan: pure, so that equal questions have equal answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from backend.errors import RequestError
from backend.plan.card import Card, KnownEmbedding, TextCard, check_picture_size
from backend.plan.crop import choose_window, plan_window
from backend.plan.notes import (
    call_name,
    close_up_note,
    explain_no_step,
    light_notes,
    mark_notes,
    obstacle_note,
    size_notes,
    step_notes,
    survey_notes,
    takes_no_step,
    word_notes,
)
from backend.plan.phrases import (
    Match,
    background_words,
    match_phrases,
    normalise,
    occurrences,
)
from backend.plan.plan import (
    CloseUp,
    Cover,
    DecomposeTask,
    Note,
    OneLayer,
    Plan,
    PlannedEmbedding,
    PlannedLayer,
    PlannedLora,
    TextualInversionTask,
    WholePicture,
    plan_layer,
)
from backend.plan.request import (
    AnyRequest,
    Compose,
    Decompose,
    LearnEmbeddings,
    Reroll,
    RunSettings,
)
from backend.plan.survey import Survey, Surveyed, survey
from backend.plan.weighted_prompt import (
    ReadMarks,
    WeightedCard,
    choose_embeddings,
    strip_marks,
)
from backend.scene.composite import alpha_of
from backend.scene.layer import Layer
from backend.scene.records import PictureDigest
from backend.scene.scene import Pixels, Scene

MAX_BATCH = 8
"""Candidates that run together at most; more are run in several batches."""

TASK_METHODS: Mapping[str, str] = MappingProxyType(
    {"textual_inversion": "textual_inversion", "decompose": "decompose"}
)
"""Who does what is asked for instead of pictures."""

PLACE_SHARE = 0.5
"""What shows in more than half of the picture is what the objects stand in."""

Manner = Literal["plain", "weighted", "stripped"]
"""How prompts are read: as words; with the weights of other programs; or without these marks, where
a run has no use for them.
"""

FEATHER_PX = 4
"""How far the close-ups of a whole picture fade into it."""
NO_SOURCE = PictureDigest("0" * 64)
"""In place of a candidate's picture, which is made later."""

SEEDS = 2**53
"""Seeds stay below this, so that a browser's numbers hold them exactly."""


@dataclass(frozen=True)
class _Reading:
    """The words of a surveyed scene; ``prompt`` are those that the model reads, as ``card`` does.

    ``embeddings`` are those that the prompts name, ``misfits`` those of other models.
    """

    survey: Survey
    manner: Manner
    card: TextCard
    prompt: str
    negative: str
    matches: dict[str, Match]
    unwanted: dict[str, Match]
    embeddings: Mapping[str, KnownEmbedding]
    misfits: Mapping[str, KnownEmbedding]

    def notes(self, layer_id: str = "", settings: RunSettings | None = None) -> tuple[Note, ...]:
        """Every note, or those of the whole scene and one layer; with the dials of a run, also
        which layers it leaves as they are.
        """
        words = word_notes(self.survey.scene, self.prompt, self.negative, self.card)
        layers = survey_notes(self.survey.layers, self.matches, self.prompt, self.card)
        if settings is not None:
            layers += step_notes(self.survey.usable, settings)
        kept = tuple(note for note in layers if not layer_id or note.layer_id == layer_id)
        return (*size_notes(self.survey.scene, self.survey.card), *words, *kept)

    def plan_layer(self, seen: Surveyed) -> PlannedLayer:
        layer = seen.layer
        if self.manner != "plain":
            layer = layer.model_copy(update={"phrase": strip_marks(layer.phrase)})
        return plan_layer(
            layer,
            seen.placement,
            tokens=self.matches[seen.layer.id].tokens,
            negative_tokens=self.unwanted[seen.layer.id].tokens,
        )

    def plan_words(self, clip_skip: int) -> dict[str, Any]:
        """The fields of a plan that say how its prompts are read: nothing where they hold words
        alone, so that a recipe of words is the same in either manner.
        """
        card = self.card
        if not isinstance(card, WeightedCard):
            return {}
        plain = all(card.lay_out(text).is_plain for text in (self.prompt, self.negative))
        if plain and clip_skip == 1:
            return {}
        named = tuple(
            PlannedEmbedding(name=name, digest=one.digest, vectors=one.vectors)
            for name, one in self.embeddings.items()
        )
        return {"weighted_prompt": True, "embeddings": named, "clip_skip": clip_skip}


def build_plan(
    scene: Scene,
    request: AnyRequest,
    card: Card,
    pixels: Pixels,
    loras: tuple[PlannedLora, ...] = (),
) -> Plan:
    """All that decides the pixels of a run.

    ``card`` is the card of ``request.settings.model``, ``loras`` are the scene's as they were
    found. An empty prompt becomes the phrases of the layers that take part. RequestError when there
    are no words at all, or when the layer to re-roll is unknown, takes no part, or may not change.
    """
    return plan_survey(survey(scene, card, pixels), request, pixels, loras)


def plan_survey(
    seen: Survey, request: AnyRequest, pixels: Pixels, loras: tuple[PlannedLora, ...] = ()
) -> Plan:
    """As ``build_plan``, of a scene that was surveyed already."""
    plan = _plan_request(seen, request, pixels)
    taking_part = {"", *(layer.id for layer in plan.layers)}
    acting = tuple(one for one in loras if one.layer_id in taking_part)
    marks = _mark_notes(seen, request.settings, _choose_manner(request), loras)
    return plan.model_copy(update={"loras": acting, "notes": (*plan.notes, *marks)})


def _plan_request(seen: Survey, request: AnyRequest, pixels: Pixels) -> Plan:
    """The plan without its LoRAs."""
    reading = _read(seen, _choose_manner(request))
    if not reading.prompt.strip():
        raise RequestError(
            (
                "There are no words to draw from: the prompt is empty, and no layer that can be "
                "seen has a phrase."
            ),
            remedy="Write a prompt, or a phrase for a layer.",
        )
    if not isinstance(request, Reroll):
        if isinstance(request, Decompose):
            shape = pixels.picture(request.source).shape
            check_picture_size(shape, reading.survey.size, "picture to decompose")
        if isinstance(request, Compose) and request.stage1 is not None:
            shape = pixels.picture(request.stage1).shape
            check_picture_size(shape, reading.survey.size, "draft")
        layers = tuple(reading.plan_layer(seen) for seen in reading.survey.usable)
        whole = WholePicture(varied=_require_varied(reading, request))
        plan = _plan(reading, request, layers, whole)
        return _add_close_ups(plan, reading, pixels) if _may_draw_close_up(request) else plan
    chosen = _require_layer(reading, request.layer_id)
    _require_step(chosen, request.settings)
    shape = pixels.picture(request.source).shape
    check_picture_size(shape, reading.survey.size, "picture to draw in")
    target = _target(reading, chosen, request.source, request.feather_px)
    plan = _plan(reading, request, (reading.plan_layer(chosen),), target)
    light = light_notes(chosen, request.settings, reading.survey.card)
    plan = plan.model_copy(update={"notes": (*plan.notes, *light)})
    return _crop(plan, chosen, reading, pixels) if _may_crop(request) else plan


def _target(
    reading: _Reading, chosen: Surveyed, source: PictureDigest, feather_px: int
) -> OneLayer:
    return OneLayer(
        layer_id=chosen.layer.id,
        source=source,
        feather_px=feather_px,
        above=_covers(reading, chosen),
        background=background_words(reading.prompt, _object_words(reading)),
    )


def _may_draw_close_up(request: AnyRequest) -> bool:
    """Whether the small layers of whole pictures are drawn close up after them."""
    return (
        isinstance(request, Compose)
        and request.close_ups
        and request.settings.method == "collage"
        and request.subject is None
        and request.settings.options.get("layer_noise") is not False
    )


def _add_close_ups(plan: Plan, reading: _Reading, pixels: Pixels) -> Plan:
    """The plan with a window for each small layer that is to be drawn, where the model draws small
    things badly: one that says up to which strength it keeps forms.
    """
    target, limit = plan.target, reading.survey.card.light_only
    if not isinstance(target, WholePicture) or limit <= 0:
        return plan
    close_ups, notes = [], list(plan.notes)
    for layer, seen in zip(plan.layers, reading.survey.usable, strict=True):
        if seen.strength <= limit:
            continue
        alone = plan.model_copy(
            update={"layers": (layer,), "target": _target(reading, seen, NO_SOURCE, FEATHER_PX)}
        )
        drawn = _crop(alone, seen, reading, pixels)
        one = drawn.target
        if isinstance(one, OneLayer) and one.crop is not None:
            close_ups.append(
                CloseUp(
                    layer=drawn.layers[0],
                    prompt=drawn.prompt,
                    window=one.crop,
                    feather_px=one.feather_px,
                    above=one.above,
                    background=one.background,
                )
            )
            notes.append(drawn.notes[-1])
    with_close_ups = target.model_copy(update={"close_ups": tuple(close_ups)})
    return plan.model_copy(update={"target": with_close_ups, "notes": tuple(notes)})


def _may_crop(request: Reroll) -> bool:
    return request.crop and request.settings.method == "collage" and request.subject is None


def _crop(plan: Plan, chosen: Surveyed, reading: _Reading, pixels: Pixels) -> Plan:
    """The plan with a window around the layer that is drawn again, where it is small and has
    words.
    """
    layer, seen = chosen.layer, reading.survey
    size, phrase = seen.size, normalise(layer.phrase or layer.class_label)
    if not phrase.strip() or not isinstance(plan.target, OneLayer):
        return plan
    picture = pixels.picture(layer.picture) if layer.picture else None
    mask = pixels.mask(layer.mask) if layer.mask else None
    alpha = alpha_of(picture, mask, chosen.placement, layer.opacity, size)
    window = choose_window(alpha, plan.target.feather_px, size)
    if window is None:
        return plan
    drawn = plan_window(plan, window, phrase, reading.card)
    note = close_up_note(layer, window, seen.card)
    return drawn.model_copy(update={"notes": (*plan.notes, note)})


def scene_notes(seen: Survey, settings: RunSettings | None = None) -> tuple[Note, ...]:
    """What a person should know of a scene before anything is generated, with these dials."""
    if settings is None:
        return _read(seen, "plain").notes()
    manner: Manner = "weighted" if settings.weighted_prompt else "plain"
    return (
        *_read(seen, manner).notes(settings=settings),
        *_mark_notes(seen, settings, manner, None),
    )


def _choose_manner(request: AnyRequest) -> Manner:
    """Subjects, looks and layers are learned, drawn and found by words alone."""
    if not request.settings.weighted_prompt:
        return "plain"
    draws = isinstance(request, Compose | Reroll) and request.subject is None
    return "weighted" if draws else "stripped"


def _mark_notes(
    seen: Survey, settings: RunSettings, manner: Manner, loras: Sequence[PlannedLora] | None
) -> tuple[Note, ...]:
    """What becomes of weights, tags and names of embeddings; None for LoRAs that were not
    sought.
    """
    reading = _read(seen, manner)
    phrases = [layer.phrase for layer in seen.scene.visible_layers()]
    marks = ReadMarks(
        (seen.scene.prompt, seen.scene.negative, *phrases),
        manner if settings.weighted_prompt else "plain",
        reading.embeddings,
        reading.misfits,
        seen.card.words_widths,
    )
    return mark_notes(marks, None if loras is None else {one.name for one in loras})


def _read(seen: Survey, manner: Manner) -> _Reading:
    scene = seen.scene
    layers = [surveyed.layer for surveyed in seen.usable]
    prompt, negative = normalise(scene.prompt), _join_negatives(scene, layers)
    if not prompt.strip():
        prompt = ", ".join(
            phrase
            for layer in layers
            if (phrase := normalise(layer.phrase or layer.class_label).strip())
        )
    embeddings: dict[str, KnownEmbedding] = {}
    misfits: dict[str, KnownEmbedding] = {}
    card: TextCard = seen.card
    if manner == "stripped":
        prompt, negative = strip_marks(prompt), strip_marks(negative)
    if manner == "weighted":
        embeddings, misfits = choose_embeddings(seen.card, (prompt, negative))
        card = WeightedCard(seen.card, {name: one.vectors for name, one in embeddings.items()})
    words = _match(layers, prompt, [layer.phrase for layer in layers], card, manner)
    unwanted = _match(layers, negative, [layer.negative for layer in layers], card, manner)
    return _Reading(
        seen,
        manner,
        card,
        prompt,
        negative,
        words,
        unwanted,
        embeddings=embeddings,
        misfits=misfits,
    )


def _match(
    layers: Sequence[Layer], text: str, phrases: Sequence[str], card: TextCard, manner: Manner
) -> dict[str, Match]:
    """What each layer's phrase finds in a text. One that does not stand there as it is written is
    sought without its marks.
    """
    if manner != "plain":
        phrases = [
            phrase if occurrences(text, normalise(phrase)) else strip_marks(phrase)
            for phrase in phrases
        ]
    found = match_phrases(text, phrases, card)
    return {layer.id: match for layer, match in zip(layers, found, strict=True)}


def _join_negatives(scene: Scene, layers: Sequence[Layer]) -> str:
    """The scene's negative prompt and, after it, what single layers do not want; those words stay
    in their regions.
    """
    asked = (scene.negative, *(layer.negative for layer in layers))
    return ", ".join(normalise(words) for words in asked if words.strip())


def _plan(
    reading: _Reading,
    request: AnyRequest,
    layers: tuple[PlannedLayer, ...],
    target: WholePicture | OneLayer,
) -> Plan:
    settings, task = request.settings, _task(request)
    return Plan(
        model=settings.model,
        method=settings.method if task is None else TASK_METHODS[task.kind],
        sampler=settings.sampler,
        steps=settings.steps,
        guidance_scale=settings.guidance_scale,
        width_px=reading.survey.size.width_px,
        height_px=reading.survey.size.height_px,
        prompt=reading.prompt,
        negative=reading.negative,
        seeds=tuple((settings.seed + index) % SEEDS for index in range(_count(request))),
        batch=min(settings.count, MAX_BATCH) if task is None else 1,
        layers=layers,
        target=target,
        options=dict(settings.options) if task is None else {},
        **reading.plan_words(settings.clip_skip),
        subject=request.subject if isinstance(request, Compose | Reroll) else None,
        stage1=request.stage1 if isinstance(request, Compose) else None,
        task=task,
        notes=reading.notes(
            target.layer_id if isinstance(target, OneLayer) else "",
            settings if isinstance(request, Compose) else None,
        ),
    )


def _count(request: AnyRequest) -> int:
    """How many pictures may be made."""
    if isinstance(request, Reroll):
        return request.settings.count * request.tries
    return request.settings.count if isinstance(request, Compose) else 1


def _object_words(reading: _Reading) -> list[str]:
    """The phrases of the layers that are objects: one of which most of the picture shows is its
    place.
    """
    places = {seen.layer.id for seen in reading.survey.usable if seen.visible_frac > PLACE_SHARE}
    return [layer.phrase for layer in reading.survey.scene.layers if layer.id not in places]


def _task(request: AnyRequest) -> TextualInversionTask | DecomposeTask | None:
    """What is made instead of pictures."""
    if isinstance(request, LearnEmbeddings):
        return TextualInversionTask(
            layer_ids=request.layer_ids, steps=request.steps, checkpoints=request.checkpoints
        )
    return DecomposeTask(source=request.source) if isinstance(request, Decompose) else None


def _require_varied(reading: _Reading, request: AnyRequest) -> str | None:
    """The one layer in which the candidates shall differ, when it can change."""
    if not isinstance(request, Compose) or request.varied is None:
        return None
    chosen = _require_layer(reading, request.varied)
    _require_step(chosen, request.settings)
    return chosen.layer.id


def _require_step(chosen: Surveyed, settings: RunSettings) -> None:
    """A RequestError where a run of the one layer would leave it as it is."""
    strength = chosen.strength
    if settings.method == "collage" and settings.options.get("layer_noise") is False:
        strength = float(settings.options.get("strength", strength))
    if settings.method != "move" and takes_no_step(strength, settings.steps):
        what, remedy = explain_no_step(strength, settings.steps)
        raise RequestError(f"{call_name(chosen.layer)}: {what}", remedy=remedy)


def _require_layer(reading: _Reading, layer_id: str) -> Surveyed:
    """The layer to re-roll, when it can be."""
    for seen in reading.survey.layers:
        if seen.layer.id != layer_id:
            continue
        if seen.obstacle:
            raise RequestError(
                obstacle_note(seen).text, remedy="Show it, or choose another layer to re-roll."
            )
        if seen.layer.strength == 0.0 and seen.layer.strength_map is None:
            raise RequestError(
                f"{call_name(seen.layer)} has a strength of 0, so nothing of it may change.",
                remedy="Raise its strength to re-roll it.",
            )
        return seen
    present = ", ".join(seen.layer.id for seen in reading.survey.layers)
    raise RequestError(
        f"There is no layer {layer_id!r} to re-roll.",
        limit=f"This scene has {present or 'no layers'}.",
        remedy="Choose one of its layers.",
    )


def _covers(reading: _Reading, chosen: Surveyed) -> tuple[Cover, ...]:
    position = reading.survey.usable.index(chosen)
    return tuple(
        Cover(
            picture=seen.layer.picture,
            mask=seen.layer.mask,
            placement=seen.placement,
            opacity=seen.layer.opacity,
        )
        for seen in reading.survey.usable[position + 1 :]
    )
