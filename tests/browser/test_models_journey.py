"""Models out of a folder as ComfyUI lays it out: add it, read what is refused and why, use what was
found, and find it again after a reload.
"""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest
import torch

from tests.browser.editor_page import EditorPage
from tests.models.embeddings import write_embedding
from tests.models.loras import draw_lora, write_lora
from tests.models.single_files import build_networks, write_checkpoint
from tests.models.test_catalog import write_weights
from tests.models.tiny import build_tiny_1

pytestmark = pytest.mark.slow


@pytest.fixture
def comfy(tmp_path: Path) -> Path:
    """A sound model between a LoRA, a pickle, half a download and a broken member."""
    models = tmp_path / "ComfyUI" / "models"
    build_tiny_1(models / "diffusers" / "toon-shaper")
    (models / "diffusers" / "toon-shaper" / "README.md").write_text("---\nlicense: openrail\n---\n")
    shutil.copytree(models / "diffusers" / "toon-shaper", models / "diffusers" / "half")
    shutil.rmtree(models / "diffusers" / "half" / "tokenizer")
    (models / "diffusers" / "half" / "tokenizer").mkdir()
    (models / "checkpoints").mkdir()
    (models / "checkpoints" / "old.ckpt").write_bytes(pickle.dumps(1))
    (models / "checkpoints" / "clone.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4265146304\n"
    )
    write_weights(models / "embeddings" / "wide.safetensors", {"emb_params": (2, 8)})
    write_weights(models / "vae" / "vae-ft.safetensors", {"decoder.conv_in.weight": (8, 4, 3, 3)})
    networks = build_networks("sd1")
    width = networks.texts[0].config.hidden_size
    write_embedding(models / "embeddings", "blot", "a1111", (torch.randn(2, width) / 10,))
    write_checkpoint(models / "checkpoints" / "toon-two.safetensors", networks)
    ink = draw_lora({"unet": networks.unet}, "dora", wanted="attn2")
    write_lora(models / "loras" / "ink.safetensors", ink)
    return models


def test_a_folder_of_models_from_adding_it_to_a_picture(fresh: EditorPage, comfy: Path) -> None:
    fresh.page.keyboard.press("Shift+M")
    fresh.part("models-panel").wait_for()
    assert fresh.until(lambda: part_in_focus(fresh) == "model-path")
    fresh.page.keyboard.type(str(comfy / "nowhere"))
    fresh.page.keyboard.press("Enter")
    fresh.part("model-obstacle").filter(has_text="There is no folder").wait_for()
    fresh.look("models-1-refused-path")
    fresh.part("model-path").fill(str(comfy))
    fresh.page.keyboard.press("Enter")
    found = fresh.page.locator('[data-test="model"][data-model="toon-shaper"]')
    found.wait_for()
    assert "Licence: openrail" in found.inner_text()
    assert "64 px" in found.inner_text()
    assert not fresh.part("model-obstacle").is_visible()
    assert_reasons(fresh)
    found.locator("summary").click()
    assert "needs vqgan, clip, guide or deeplab or clipseg" in found.inner_text()
    fresh.look("models-2-found")
    fresh.part("model-files").locator("summary").click()
    assert "VAE alone" in fresh.part("model-files").inner_text()
    assert_words(fresh)
    fresh.part("model-files").scroll_into_view_if_needed()
    fresh.look("models-3-refused")
    found.locator('[data-test="model-use"]').click()
    assert fresh.until(found.locator('[data-test="model-used"]').is_visible)
    assert fresh.state()["settings"]["model"] == "toon-shaper"
    fresh.page.keyboard.press("Escape")
    fresh.part("models-panel").wait_for(state="hidden")
    assert_picker(fresh)
    make_a_picture(fresh, 1)
    fresh.part("model-choice").select_option(label="Toon two")
    fresh.part("sampler").select_option(label="DPM++ 2M Karras")
    make_a_picture(fresh, 2)
    apply_a_lora(fresh)
    find_it_again(fresh, comfy)


def test_words_of_others_draw_the_same_picture_again(fresh: EditorPage, comfy: Path) -> None:
    """A single file, a LoRA on a layer, a weighted embedding in the words and a Karras sampler;
    saved and opened again they make the same picture, and without the weights another one.
    """
    fresh.page.keyboard.press("Shift+M")
    fresh.part("model-path").fill(str(comfy))
    fresh.page.keyboard.press("Enter")
    found = fresh.page.locator('[data-test="model"][data-model="toon-two"]')
    found.wait_for()
    assert_words(fresh)
    found.locator('[data-test="model-use"]').click()
    fresh.page.keyboard.press("Escape")
    fresh.part("models-panel").wait_for(state="hidden")
    fresh.part("prompt").fill("a (blot:1.2) red mushroom, wide")
    fresh.part("advanced").locator("summary").first.click()
    fresh.part("sampler").select_option(label="DPM++ 2M Karras")
    fresh.page.locator('[data-test="layer-row"]').first.click()
    fresh.part("layer-more").click()
    fresh.part("layer-lora-choice").select_option(label="ink")
    make_a_picture(fresh, 1)
    notes = fresh.part("scene-note")
    assert fresh.until(lambda: any("“blot” stands for" in one for one in notes.all_inner_texts()))
    assert any("words of 8 numbers" in one for one in notes.all_inner_texts())
    fresh.look("models-words")
    drawn = fresh.state()["candidates"][-1]["digest"]
    fresh.wait_saved()
    fresh.reload()
    make_a_picture(fresh, 2)
    assert fresh.state()["candidates"][-1]["digest"] == drawn
    fresh.part("advanced").locator("summary").first.click()
    fresh.part("weighted-prompt").uncheck()
    make_a_picture(fresh, 3)
    assert fresh.state()["candidates"][-1]["digest"] != drawn


def part_in_focus(editor: EditorPage) -> str:
    return str(editor.page.evaluate("document.activeElement.dataset.test ?? ''"))


def assert_reasons(editor: EditorPage) -> None:
    """Each with its sentence: what, limit, remedy."""
    reasons = {
        "old.ckpt": "Pickles can run any program",
        "clone.safetensors": "git lfs pull",
        "half": "tokenizer/vocab.json is missing",
    }
    for name, words in reasons.items():
        line = editor.page.locator(f'[data-test="model-refused"][data-name="{name}"]')
        assert words in line.inner_text()


def assert_words(editor: EditorPage) -> None:
    """Each embedding says for which words it was made, and which the chosen model has."""
    shown = editor.page.locator('[data-test="model-word"]')
    shown.nth(1).wait_for()
    lines = shown.all_inner_texts()
    assert sorted(line.split("\n")[0] for line in lines) == ["blot", "wide"]
    (wide,) = (line for line in lines if line.startswith("wide"))
    assert "2 tokens, for words of 8 numbers; those of Pocket have" in wide


def assert_picker(editor: EditorPage) -> None:
    """The picker has the model, and shows the refused ones with their reason, not to be chosen."""
    editor.part("advanced").locator("summary").first.click()
    options = editor.part("model-choice").locator("option")
    texts = options.all_inner_texts()
    assert "Toon shaper" in texts
    refused = editor.part("model-choice").locator("option[disabled]").all_inner_texts()
    assert any(text.startswith("old.ckpt: ") for text in refused)
    assert any("git-lfs pointer" in text for text in refused)
    assert "cannot be used" in editor.part("models-refused").inner_text()
    editor.look("models-4-picker")


def make_a_picture(editor: EditorPage, number: int) -> None:
    editor.set_dials(steps=2, count=1)
    editor.part("generate").click()
    editor.wait(f"state.candidates.length === {number}")
    editor.wait("!state.job")
    editor.look(f"models-{4 + number}-picture")


def apply_a_lora(editor: EditorPage) -> None:
    """With the LoRA the picture is another one, at half its weight a third, without it the first
    again.
    """
    plain = editor.state()["candidates"][-1]["digest"]
    editor.part("lora-choice").select_option(label="ink")
    weight = editor.part("lora-weight")
    weight.wait_for()
    weight.scroll_into_view_if_needed()
    editor.look("models-lora")
    make_a_picture(editor, 3)
    weight.fill("0.5")
    weight.press("Enter")
    make_a_picture(editor, 4)
    editor.part("lora-remove").click()
    make_a_picture(editor, 5)
    inked, half, again = (one["digest"] for one in editor.state()["candidates"][-3:])
    assert len({plain, inked, half}) == 3
    assert again == plain
    apply_one_to_a_layer(editor, plain)
    editor.page.keyboard.press("Control+Z")
    kept = [{"name": "ink", "weight": 0.5}]
    assert editor.until(lambda: editor.state()["scene"]["loras"] == kept)


def apply_one_to_a_layer(editor: EditorPage, plain: str) -> None:
    """On a layer's card: another picture than without it, and without it the same one again."""
    editor.page.locator('[data-test="layer-row"]').first.click()
    editor.part("layer-more").click()
    editor.part("layer-lora-choice").select_option(label="ink")
    editor.part("layer-lora-weight").scroll_into_view_if_needed()
    editor.look("models-layer-lora")
    make_a_picture(editor, 6)
    assert editor.state()["candidates"][-1]["digest"] != plain
    editor.part("layer-lora-remove").click()
    editor.wait("state.scene.layers.every((layer) => layer.loras.length === 0)")
    editor.page.keyboard.press("Control+Z")
    editor.page.keyboard.press("Control+Z")


def find_it_again(editor: EditorPage, folder: Path) -> None:
    """The folder is known after a reload; removing it takes its models away and leaves files."""
    editor.wait_saved()
    editor.reload()
    assert editor.state()["scene"]["loras"] == [{"name": "ink", "weight": 0.5}]
    editor.part("models").click()
    row = editor.page.locator(f'[data-test="model-folder"][data-path="{folder}"]')
    row.wait_for()
    assert "2 models, 3 cannot be used, 1 LoRA, 2 embeddings, 1 other file" in row.inner_text()
    editor.part("models-search").click()
    editor.wait_for_text("Found 3 models")
    row.locator('[data-test="model-folder-remove"]').click()
    row.wait_for(state="detached")
    editor.page.locator('[data-model="toon-shaper"]').wait_for(state="detached")
    editor.part("models-close").click()
    assert (folder / "loras" / "ink.safetensors").exists()
