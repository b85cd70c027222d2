"""Collage Diffusion on whole plans: GH is diffusers' image-to-image, LN and CA keep their
promises.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionImg2ImgPipeline
from PIL import Image
from scipy import ndimage

from backend import POCKET_FOLDER
from backend.engine.decode import encode
from backend.engine.loop_types import generator_for
from backend.errors import RequestError
from backend.methods.catalog import METHODS
from backend.models.bundle import ModelBundle
from backend.models.load import reference_img2img
from backend.models.schedule import SAMPLERS, TCD_ETA
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.plan.request import OptionValue
from tests.methods.collages import PLAIN, Collage


def collage_for(bundle: ModelBundle, noise: tuple[float, ...] = (0.5, 0.8, 0.6)) -> Collage:
    return Collage(bundle, seed=1, noise=noise, side_px=bundle.card.native_px)


def diffusers_pictures(
    bundle: ModelBundle, collage: Collage, plan: Plan, strength: float
) -> np.ndarray:
    """What diffusers makes of the same folder and collage, loaded and scheduled without any of
    our code.
    """
    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(
        bundle.card.folder, dtype=torch.float32, safety_checker=None, local_files_only=True
    )
    pipeline.set_progress_bar_config(disable=True)
    kind = SAMPLERS[plan.sampler]
    pipeline.scheduler = kind.make.from_config(pipeline.scheduler.config, **kind.fixed)
    return run_pipeline(pipeline, collage, plan, strength)


def run_pipeline(pipeline: Any, collage: Collage, plan: Plan, strength: float) -> np.ndarray:
    """The plan's composite by image-to-image: uint8 (n, h, w, 3)."""
    made: np.ndarray = pipeline(
        plan.prompt,
        negative_prompt=plan.negative,
        image=Image.fromarray(raster(plan, collage.pixels).picture),
        strength=strength,
        guidance_scale=plan.guidance_scale,
        num_inference_steps=plan.steps,
        num_images_per_prompt=len(plan.seeds),
        generator=[generator_for(seed) for seed in plan.seeds],
        eta=TCD_ETA if plan.sampler == "tcd" else 0.0,
        output_type="np",
    ).images
    return (made * 255).round().astype(np.uint8)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_gh_is_bit_equal_to_diffusers_on_a_stable_diffusion_folder(
    tiny1: ModelBundle, sampler: str
) -> None:
    """But for LMS that begins in the middle: diffusers weighs a history which is not there yet, and
    overshoots.
    """
    collage = collage_for(tiny1)
    strength = 1.0 if sampler.startswith("lms") else 0.8
    plan = collage.compose(sampler, 2, {**PLAIN, "strength": strength})
    _, (pictures,) = collage.run(plan)
    assert np.array_equal(
        np.stack(pictures.pictures), diffusers_pictures(tiny1, collage, plan, strength)
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_models_whose_first_state_has_no_signal_are_bit_equal_to_diffusers(
    tiny2: ModelBundle, sampler: str
) -> None:
    more = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    bundle = replace(tiny2, scheduler={**tiny2.scheduler, **more})
    collage = collage_for(bundle)
    plan = collage.compose(sampler, 1, {**PLAIN, "strength": 1.0})
    _, (pictures,) = collage.run(plan)
    known = run_pipeline(reference_img2img(bundle, sampler), collage, plan, 1.0)
    assert known.std() > 5
    assert np.array_equal(np.stack(pictures.pictures), known)
    whole, _ = collage.run(collage.compose(sampler, 1))
    assert whole[-1].latents.isfinite().all()


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["ddim", "euler_ancestral", "dpmpp_2m"])
def test_gh_is_bit_equal_to_diffusers_on_pocket(pocket: ModelBundle, sampler: str) -> None:
    collage = collage_for(pocket)
    plan = collage.compose(sampler, 1, {**PLAIN, "strength": 0.5})
    steps, (pictures,) = collage.run(plan)
    assert len(steps) == 3
    assert np.array_equal(
        np.stack(pictures.pictures), diffusers_pictures(pocket, collage, plan, 0.5)
    )
    assert POCKET_FOLDER.samefile(pocket.card.folder)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_equal_levels_are_bit_equal_to_gh(tiny1: ModelBundle, sampler: str) -> None:
    collage = collage_for(tiny1, (0.7, 0.7, 0.7))
    plain, _ = collage.run(collage.compose(sampler, 2, {**PLAIN, "strength": 0.7}))
    levelled, _ = collage.run(collage.compose(sampler, 2, {**PLAIN, "layer_noise": True}))
    assert [step.k for step in plain] == [step.k for step in levelled]
    assert torch.equal(plain[-1].latents, levelled[-1].latents)


def test_layers_at_zero_end_as_the_encoded_collage(bundle: ModelBundle) -> None:
    collage = collage_for(bundle, (0.0, 0.8, 0.0))
    plan = collage.compose("ddim", 2)
    steps, _ = collage.run(plan)
    flat = raster(plan, collage.pixels)
    source = encode(bundle, flat.picture, [generator_for(seed) for seed in plan.seeds])
    cell = bundle.card.cell_px
    free = (
        (flat.topmost == 2).reshape(flat.topmost.shape[0] // cell, cell, -1, cell).all(axis=(1, 3))
    )
    changed = (steps[-1].latents != source).any(dim=1).numpy()
    assert free.any()
    assert np.array_equal(changed, np.broadcast_to(free, changed.shape))


def test_layers_at_zero_keep_their_own_bytes(tiny1: ModelBundle) -> None:
    """Not what the autoencoder makes of them; a soft rim is blended, all else is drawn."""
    collage = collage_for(tiny1, (0.8, 0.0, 0.05))
    plan = collage.compose(count=2)
    flat = raster(plan, collage.pixels)
    held = flat.visibility[2] + flat.visibility[3] > 0.999
    free = flat.visibility[1] == 1
    assert held.any()
    assert free.any()
    _, (made,) = collage.run(plan)
    for picture in made.pictures:
        assert (picture[held] == flat.picture[held]).all()
        assert (picture[free] != flat.picture[free]).any(axis=-1).mean() > 0.9


def test_a_run_that_changes_nothing_says_why(tiny1: ModelBundle) -> None:
    still = collage_for(tiny1, (0.1, 0.0, 0.15))
    _, (made,) = still.run(still.compose())
    assert "one too small for 6 steps" in made.notes[0]
    whole = collage_for(tiny1, (0.8, 0.8, 0.8))
    options = {"layer_noise": False, "strength": 0.1}
    _, (made,) = whole.run(whole.compose(options=options))
    assert made.notes[0].startswith(
        "The whole picture: a strength of 0.1 is less than one of the 6"
    )
    _, (made,) = whole.run(whole.compose())
    assert made.notes == ()


def test_canvas_detail_comes_back_where_little_changed(tiny1: ModelBundle) -> None:
    """A low strength ends nearer to the canvas; without the option as the network left it."""
    collage = collage_for(tiny1, (0.2, 0.2, 0.2))
    plan = collage.compose()
    flat = raster(plan, collage.pixels).picture.astype(float)
    pictures = [
        collage.run(collage.compose(options={"canvas_detail": amount}))[1][0].pictures[0]
        for amount in (0.0, 0.5, 1.0)
    ]
    distances = [float(np.abs(one - flat).mean()) for one in pictures]
    assert distances[0] >= distances[1] >= distances[2]


def test_a_model_that_is_trusted_with_light_alone_keeps_the_forms_of_low_strengths(
    tiny1: ModelBundle,
) -> None:
    """Up to the card's strength what differs from the canvas is coarse; above that it is not, and
    a card that states none (all but small families) changes nothing.
    """
    collage = collage_for(tiny1, (0.4, 0.4, 1.0))
    plan = collage.compose()
    flat = raster(plan, collage.pixels)
    trusted = replace(tiny1, card=replace(tiny1.card, light_only=0.45))
    usual = collage.run(plan)[1][0].pictures[0].astype(float)
    light = replace(collage, bundle=trusted).run(plan)[1][0].pictures[0].astype(float)
    ground = ndimage.binary_erosion(flat.visibility[1] == 1, iterations=4)
    redrawn = ndimage.binary_erosion(flat.visibility[3] == 1, iterations=4)
    assert redrawn.any()
    assert np.array_equal(light[redrawn], usual[redrawn])

    shares = light[ground] / flat.picture[ground]
    unclipped = (light[ground] < 255).all(axis=-1)
    assert np.ptp(shares[unclipped], axis=-1).max() < 0.02
    assert np.ptp(usual[ground] / flat.picture[ground], axis=-1).max() > 0.1


def test_a_silhouette_keeps_its_outline_and_its_colour_where_a_model_draws_in_it(
    tiny1: ModelBundle,
) -> None:
    """Beside its outline the ground has no seam of the model's; a strength of 1, and a card that
    states nothing, leave all of it to the model.
    """
    trusted = replace(tiny1, card=replace(tiny1.card, light_only=0.45))

    def draw(strength: float, bundle: ModelBundle, phrase: str = "house") -> np.ndarray:
        collage = collage_for(bundle, (0.3, 0.3, strength))
        layers = collage.scene.layers
        disc = layers[2].model_copy(update={"phrase": phrase})
        collage.scene = collage.scene.model_copy(update={"layers": (*layers[:2], disc)})
        return collage.run(collage.compose())[1][0].pictures[0].astype(float)

    collage = collage_for(trusted, (0.3, 0.3, 0.8))
    flat = raster(collage.compose(), collage.pixels)
    owned = flat.visibility[3] == 1
    own = flat.picture[owned].mean(axis=0)

    def differs(picture: np.ndarray) -> float:
        return float(np.abs(picture[owned].mean(axis=0) - own).max())

    kept, usual = draw(0.8, trusted), draw(0.8, tiny1)
    own_word, other_word = (draw(0.8, trusted, f"{word} house") for word in ("green", "purple"))
    assert differs(kept) < 0.5 * min(differs(other_word), differs(usual))
    assert differs(own_word) == pytest.approx(differs(kept), abs=25)
    assert np.array_equal(draw(1.0, trusted)[owned], draw(1.0, tiny1)[owned])


def test_a_painted_strength_of_zero_keeps_bytes_there_alone(tiny1: ModelBundle) -> None:
    collage = collage_for(tiny1, (0.8, 0.8, 0.8))
    half = np.full((64, 64), 255, np.uint8)
    half[:, :32] = 0
    ground = collage.scene.layers[0].model_copy(
        update={"strength_map": collage.pixels.add_mask(half)}
    )
    layers = (ground, *collage.scene.layers[1:])
    collage.scene = collage.scene.model_copy(update={"layers": layers})
    plan = collage.compose()
    flat = raster(plan, collage.pixels)
    ground_alone = flat.visibility[1] == 1
    _, (made,) = collage.run(plan)
    same = (made.pictures[0] == flat.picture).all(axis=-1)
    assert same[:, :32][ground_alone[:, :32]].all()
    assert same[:, 34:][ground_alone[:, 34:]].mean() < 0.1


def test_uncovered_pixels_have_the_level_of_the_target(tiny1: ModelBundle) -> None:
    """Without a background layer the rest is the implicit layer 0: free by default, held at
    level 0.
    """
    collage = collage_for(tiny1, (0.5, 0.6))
    collage.scene = collage.scene.model_copy(update={"layers": collage.scene.layers[1:]})
    plan = collage.compose()
    steps, _ = collage.run(plan)
    assert steps[0].first == 0
    held = plan.model_copy(
        update={"target": plan.target.model_copy(update={"uncovered_strength": 0.0})}
    )
    steps, _ = collage.run(held)
    assert steps[0].first == 3
    corner = encode(tiny1, raster(plan, collage.pixels).picture, [generator_for(11)])[..., -1, -1]
    assert torch.equal(steps[-1].latents[..., -1, -1], corner)


def test_zero_attention_weights_are_bit_equal_to_no_attention(tiny1: ModelBundle) -> None:
    collage = collage_for(tiny1)
    zero = {"attention_positive": 0.0, "attention_negative": 0.0}
    weightless = [layer.model_copy(update=zero) for layer in collage.scene.layers]
    collage.scene = collage.scene.model_copy(update={"layers": tuple(weightless)})
    with_control, _ = collage.run(collage.compose(options={"attention": True}))
    without, _ = collage.run(collage.compose(options={"attention": False}))
    assert torch.equal(with_control[-1].latents, without[-1].latents)


OTHERWISE: list[dict[str, OptionValue]] = [
    {"attention": False},
    {"layer_noise": False},
    {"sigma_indexing": "released"},
    {"noise_stream": "fresh"},
    {"blur_px": 0.0},
]


@pytest.mark.parametrize("options", OTHERWISE)
def test_every_option_matters(tiny1: ModelBundle, options: dict[str, OptionValue]) -> None:
    collage = collage_for(tiny1, (0.3, 0.8, 0.6))
    usual, _ = collage.run(collage.compose())
    other, _ = collage.run(collage.compose(options=options))
    assert not torch.equal(usual[-1].latents, other[-1].latents)


def test_candidates_come_in_batches_and_do_not_depend_on_them(tiny1: ModelBundle) -> None:
    collage = collage_for(tiny1)
    plan = collage.compose("euler_ancestral", 3)
    steps, made = collage.run(plan.model_copy(update={"batch": 2}))
    assert [[image.index for image in one.images] for one in made] == [[0, 1], [2]]
    assert all(image.changed_outside is None for one in made for image in one.images)
    alone, _ = collage.run(plan.model_copy(update={"seeds": plan.seeds[2:], "batch": 1}))
    assert torch.equal(steps[-1].latents, alone[-1].latents)
    both = steps[len(alone) - 1].latents
    second, _ = collage.run(plan.model_copy(update={"seeds": plan.seeds[1:2], "batch": 1}))
    amplitude = max(1.0, float(both.abs().max()))
    assert float((both[1:] - second[-1].latents).abs().max()) <= 1e-5 * amplitude


def test_the_same_plan_gives_the_same_pixels(tiny2: ModelBundle) -> None:
    collage = collage_for(tiny2)
    plan = collage.compose("lcm", 2)
    _, (first,) = collage.run(plan)
    _, (second,) = collage.run(plan)
    assert all(np.array_equal(a, b) for a, b in zip(first.pictures, second.pictures, strict=True))
    assert not np.array_equal(first.pictures[0], first.pictures[1])


def test_nothing_free_skips_the_network(tiny1: ModelBundle) -> None:
    collage = collage_for(tiny1, (0.0, 0.0, 0.1))
    plan = collage.compose(count=3)
    steps, made = collage.run(plan.model_copy(update={"batch": 2}))
    assert steps == []
    assert [len(one.pictures) for one in made] == [2, 1]
    assert np.array_equal(made[0].pictures[0], raster(plan, collage.pixels).picture)


def test_no_layers_at_all_is_text_to_image(tiny1: ModelBundle) -> None:
    collage = collage_for(tiny1)
    collage.scene = collage.scene.model_copy(update={"layers": ()})
    steps, (pictures,) = collage.run(collage.compose())
    assert len(steps) == 6
    assert pictures.pictures[0].shape == (64, 64, 3)


def test_a_run_that_is_closed_leaves_the_network_as_it_was(tiny1: ModelBundle) -> None:
    collage = collage_for(tiny1)
    before = dict(tiny1.unet.attn_processors)
    run = METHODS["collage"].run(collage.compose(), tiny1, collage.pixels)
    next(run)
    assert any(tiny1.unet.attn_processors[name] is not before[name] for name in before)
    run.close()
    assert all(tiny1.unet.attn_processors[name] is before[name] for name in before)


def test_a_run_that_is_broken_off_leaves_the_network_as_it_was(tiny1: ModelBundle) -> None:
    """The error is still held here, and with it every frame of the run; nothing may wait for
    them to be freed.
    """
    collage = collage_for(tiny1)
    before = dict(tiny1.unet.attn_processors)
    run = METHODS["collage"].run(collage.compose(), tiny1, collage.pixels)
    next(run)
    with pytest.raises(KeyError) as caught:
        run.throw(KeyError("stop"))
    assert caught.tb is not None
    assert all(tiny1.unet.attn_processors[name] is before[name] for name in before)


def test_wrong_options_are_refused_before_anything_runs(tiny1: ModelBundle) -> None:
    collage = collage_for(tiny1)
    plan = collage.compose(options={"strength": 1.5})
    with pytest.raises(RequestError, match=r"Strength = 1\.5"):
        collage.run(plan)


def test_where_words_looked_comes_with_each_candidate(tiny1: ModelBundle) -> None:
    """One grey picture for each layer with words, from 0 to 255, and other seeds look elsewhere."""
    collage = Collage(tiny1, seed=1)
    _, made = collage.run(collage.compose(count=2))
    heat = [image.attention_maps for one in made for image in one.images]
    assert [sorted(maps) for maps in heat] == [["disc1", "disc2"]] * 2
    first, second = heat
    assert {(grey.dtype.name, grey.ndim) for grey in first.values()} == {("uint8", 2)}
    assert {(int(grey.min()), int(grey.max())) for grey in first.values()} == {(0, 255)}
    assert not np.array_equal(first["disc1"], second["disc1"])
