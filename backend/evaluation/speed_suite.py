"""Speed as ratios: the loop against diffusers' own img2img on the same weights, batches against
singles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from PIL import Image

from backend.engine.loop_types import generator_for
from backend.evaluation.asking import GUIDANCE, STEPS, run_plan, scene_of_drawing, scene_of_words
from backend.evaluation.collage_suite import CUTOUT
from backend.evaluation.duels import Duel, next_candidate, run_duel, time_restarts, whole_stage
from backend.evaluation.report import ReportRow
from backend.methods.textual_inversion import examples_of
from backend.models import few_steps
from backend.models.bundle import ModelBundle
from backend.models.load import reference_img2img
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.plan.request import Compose, OptionValue, RunSettings, Sampler
from backend.pocket.networks.configs import DRAWN_PX, PICTURE_PX, SMALL_AUTOENCODER, reduction
from backend.pocket.networks.networks import build_small_autoencoder
from backend.pocket.world.world import ObjectPlacement, draw_layout
from backend.scene.blobs import MemoryPixels
from backend.training.textual_inversion import EmbeddingRules, EmbeddingTrainer
from backend.training.trainer import train

STRENGTH = 0.8
REPEATS, QUICK_REPEATS = 21, 7
PLAIN: dict[str, OptionValue] = {
    "attention": False,
    "layer_noise": False,
    "canvas_detail": 0.0,
    "strength": STRENGTH,
}
LEVELS = (0.8, 0.7, 0.6, 0.5, 0.4)
"""Noise of the five layers; the largest makes as many steps as the baseline's strength."""
HALF_FREE = "object-3"
"""The layer with the level .5."""
LOOK_STEPS = 6
"""Enough for a ratio: every step of a look costs the same."""
LAYOUT = (
    ObjectPlacement("house", "orange", "plain", (0.25, 0.35), 0.2),
    ObjectPlacement("tree", "green", "plain", (0.75, 0.35), 0.2),
    ObjectPlacement("car", "blue", "plain", (0.3, 0.75), 0.18),
    ObjectPlacement("cat", "white", "plain", (0.7, 0.75), 0.18),
    ObjectPlacement("star", "yellow", "plain", (0.5, 0.5), 0.14),
)


@dataclass(frozen=True)
class SpeedSuite:
    """A five-layer scene at the model's native size, and how often each duel is fought."""

    bundle: ModelBundle
    repeats: int

    def rows(self) -> Iterator[ReportRow]:
        """Every run is whole: words, encoder, loop, decoder; learning begins with the encoder."""
        pixels, five = self.scene_plan({"attention": True, "layer_noise": True}, 1)
        _, plain = self.scene_plan(PLAIN, 1)
        _, ten = self.scene_plan(PLAIN, 10)
        singles = [ten.model_copy(update={"seeds": (seed,), "batch": 1}) for seed in ten.seeds]
        baseline = self.baseline(plain, pixels)
        yield run_duel(
            Duel("loop", "diffusers img2img", lambda: self.make(plain, pixels), baseline, "E0"),
            self.repeats,
        )
        yield run_duel(
            Duel(
                "collage",
                "diffusers img2img",
                lambda: self.make(five, pixels),
                baseline,
                "other pictures",
            ),
            self.repeats,
        )
        if self.bundle.card.id == "pocket":
            yield run_duel(time_canvas(self.bundle), max(3, self.repeats // 3), warmups=1)
        if few_steps.MEMBER in self.bundle.members:
            yield run_duel(time_few_steps(self.bundle), max(3, self.repeats // 3), warmups=1)
        together = Duel(
            "batch10",
            "ten single runs",
            lambda: self.make(ten, pixels),
            lambda: [self.make(single, pixels) for single in singles],
            "E1",
        )
        yield run_duel(together, max(3, self.repeats // 3), warmups=1)
        yield run_duel(self.time_reroll(), max(3, self.repeats // 3), warmups=1)
        yield run_duel(self.time_embeddings(), max(3, self.repeats // 7), warmups=1)
        yield run_duel(next_candidate(self.bundle), max(3, self.repeats // 3), warmups=1)
        yield run_duel(time_restarts(self.bundle), max(3, self.repeats // 7), warmups=1)
        yield whole_stage(self.bundle, max(1, self.repeats // 7))

    def time_reroll(self) -> Duel:
        """Ten candidates that differ in a layer of half freedom, against ten that differ
        everywhere, in equal batches.

        Uncovered pixels are free from the first step, so that the whole run counts.
        """
        pixels, plan = self.scene_plan({"attention": True, "layer_noise": True}, 10)
        free = plan.target.model_copy(update={"uncovered_strength": 1.0})
        whole = plan.model_copy(update={"target": free})
        varied = plan.model_copy(update={"target": free.model_copy(update={"varied": HALF_FREE})})
        return Duel(
            "reroll_shared",
            "ten full runs in one batch",
            lambda: self.make(varied, pixels),
            lambda: self.make(whole, pixels),
            "E2",
        )

    def time_embeddings(self) -> Duel:
        """The looks of five layers learned together, against one after the other; no look may
        settle early.
        """
        pixels, plan = self.scene_plan(PLAIN, 1)
        examples = examples_of(plan, pixels, [layer.id for layer in plan.layers])
        rules = EmbeddingRules(steps=LOOK_STEPS, settled=0.0)
        return Duel(
            "look5",
            "five single runs",
            lambda: train(EmbeddingTrainer(self.bundle, examples, rules)),
            lambda: [
                train(EmbeddingTrainer(self.bundle, [example], rules)) for example in examples
            ],
            "E1",
        )

    def make(self, plan: Plan, pixels: MemoryPixels) -> int:
        """Run a plan; how many pictures came out."""
        return len(run_plan(self.bundle, plan, pixels))

    def scene_plan(self, options: dict[str, OptionValue], count: int) -> tuple[MemoryPixels, Plan]:
        """The five-layer scene and its plan; ten candidates run in one batch."""
        drawing = draw_layout("meadow", LAYOUT, self.bundle.card.native_px, 3)
        scene, pixels = scene_of_drawing(drawing, list(drawing.cutouts), CUTOUT)
        noised = zip(scene.layers, LEVELS, strict=True)
        scene = scene.model_copy(
            update={
                "layers": tuple(
                    layer.model_copy(update={"strength": level}) for layer, level in noised
                )
            }
        )
        settings = RunSettings(
            model=self.bundle.card.id,
            steps=STEPS,
            guidance_scale=GUIDANCE,
            count=count,
            options=options,
        )
        plan = build_plan(scene, Compose(settings=settings), self.bundle.card, pixels)
        target = plan.target.model_copy(update={"uncovered_strength": STRENGTH})
        return pixels, plan.model_copy(update={"batch": count, "target": target})

    def baseline(self, plan: Plan, pixels: MemoryPixels) -> Callable[[], object]:
        """diffusers' img2img over the same composite, words, steps and seed."""
        pipeline = reference_img2img(self.bundle, plan.sampler)
        picture = Image.fromarray(raster(plan, pixels).picture)

        def run() -> object:
            return pipeline(
                prompt=plan.prompt,
                image=picture,
                strength=STRENGTH,
                num_inference_steps=plan.steps,
                guidance_scale=plan.guidance_scale,
                generator=[generator_for(plan.seeds[0])],
                output_type="np",
            ).images

        return run


def time_canvas(bundle: ModelBundle) -> Duel:
    """A picture of the pocket family from words alone, against one of a quarter of the side.

    The small side decodes with an autoencoder of the former sizes, whose weights are fresh: what
    is measured is time.
    """
    small = build_small_autoencoder().to(bundle.device, bundle.dtype).eval()
    card = replace(
        bundle.card,
        native_px=DRAWN_PX,
        cell_px=reduction(SMALL_AUTOENCODER),
        size_multiple_px=bundle.card.size_multiple_px * DRAWN_PX // PICTURE_PX,
    )
    before = replace(bundle, card=card, vae=small.requires_grad_(False))

    return Duel(
        "canvas_size",
        f"the same words at {DRAWN_PX} px",
        lambda: draw_words(bundle, {}),
        lambda: draw_words(before, {}),
        "other pictures",
    )


def time_few_steps(bundle: ModelBundle) -> Duel:
    """A picture from words alone by the UNet of few steps, against one of 30 steps with
    guidance.
    """
    few = few_steps.choose_unet(bundle, Sampler.LCM)
    changed = {
        "sampler": Sampler.LCM,
        "steps": few_steps.STEPS,
        "guidance_scale": few_steps.GUIDANCE_SCALE,
    }
    return Duel(
        "few_steps",
        f"the same words in {STEPS} steps with guidance",
        lambda: draw_words(few, changed),
        lambda: draw_words(bundle, {}),
        "other pictures",
    )


def draw_words(bundle: ModelBundle, changed: Mapping[str, object]) -> object:
    """One picture of "a blue car in a room" at the model's size, with these settings changed."""
    scene = scene_of_words("a blue car in a room", bundle.card.native_px)
    settings = RunSettings(
        model=bundle.card.id, steps=STEPS, guidance_scale=GUIDANCE, count=1, options={}
    )
    asked = Compose(settings=settings.model_copy(update=dict(changed)))
    pixels = MemoryPixels()
    return run_plan(bundle, build_plan(scene, asked, bundle.card, pixels), pixels)


def build_speed_suite(bundle: ModelBundle, quick: bool) -> SpeedSuite:
    """The suite over a leased bundle."""
    return SpeedSuite(bundle, QUICK_REPEATS if quick else REPEATS)
