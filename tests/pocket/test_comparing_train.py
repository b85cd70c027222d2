"""The CLIP pair's and the image encoder's training: sentences, views and losses that are easy to
get wrong.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.pocket.networks.perception import build_clip, read_text
from backend.pocket.networks.tokenizer import build_tokenizer
from backend.pocket.train.captions import CaptionMaker
from backend.pocket.train.clip import contrast, equal_rows
from backend.pocket.train.image_encoder import agreement_loss
from backend.pocket.train.scenes import SceneWords
from backend.pocket.train.sentences import objects_pair, scene_pair, wrong_look, wrong_scene
from backend.pocket.train.views import look_at, square_around
from backend.pocket.world.words import build_caption, build_phrase

SCENE = SceneWords("room", (("car", "red", "plain"), ("cat", "blue", "striped")))


@pytest.fixture(scope="module")
def maker() -> CaptionMaker:
    return CaptionMaker(build_tokenizer())


def test_short_reading_is_the_stock_reading() -> None:
    tokenizer = build_tokenizer()
    clip = build_clip(tokenizer).eval()
    ids = torch.tensor(
        tokenizer(["a red cat", "a zebra at night"], padding="max_length", max_length=48).input_ids
    )
    with torch.no_grad():
        assert torch.allclose(read_text(clip, ids[:, :24]), clip.encode_text(ids), atol=1e-4)


def test_a_wrong_look_differs_in_one_feature() -> None:
    for seed in range(30):
        look = wrong_look(("car", "red", "plain"), np.random.default_rng(seed))
        assert sum(a != b for a, b in zip(look, ("car", "red", "plain"), strict=True)) == 1


def test_wrong_scenes_exchange_or_change_one_thing() -> None:
    made = [wrong_scene(SCENE, np.random.default_rng(seed)) for seed in range(60)]
    assert all(words != SCENE for words in made)
    exchanged = [w for w in made if w.looks[0][1] == "blue" and w.looks[1][1] == "red"]
    assert exchanged
    assert any(words.background != "room" for words in made)


def test_right_sentences_are_the_tokenizers_own(maker: CaptionMaker) -> None:
    tokenizer = build_tokenizer()
    wanted = {
        tuple(
            tokenizer(
                build_caption([build_phrase(*SCENE.looks[k]) for k in order], "room")
            ).input_ids
        )
        for order in ((0, 1), (1, 0))
    }
    captions = [
        scene_pair([SCENE], maker, np.random.default_rng(seed)).right[0].tolist()
        for seed in range(12)
    ]
    assert wanted <= {tuple(ids[: ids.index(maker.end) + 1]) for ids in captions}
    phrases = [
        objects_pair([SCENE.looks[1]], maker, np.random.default_rng(seed)).right[0].tolist()
        for seed in range(9)
    ]
    bare = {tuple(ids[: ids.index(maker.end) + 1]) for ids in phrases}
    assert {
        tuple(tokenizer(text).input_ids) for text in ("blue striped cat", "a blue striped cat")
    } <= bare


def test_equal_sentences_do_not_compete() -> None:
    right, wrong = torch.tensor([[1, 2], [1, 2], [3, 4]]), torch.tensor([[5, 6], [7, 8], [3, 4]])
    same = equal_rows(right, wrong)
    assert same.tolist() == [
        [True, True, False, False, False, False],
        [True, True, False, False, False, False],
        [False, False, True, False, False, True],
    ]
    unit = torch.eye(3)
    pictures = unit[[0, 0, 1]]
    loss = contrast(pictures, unit[[0, 0, 1]], unit[[2, 2, 1]], torch.tensor(50.0), same)
    assert float(loss) < 1e-6
    assert (
        float(
            contrast(pictures, unit[[0, 0, 1]], unit[[2, 2, 1]], torch.tensor(50.0), same & False)
        )
        > 0.3
    )


def test_agreement_wants_equal_rows_near_and_others_far() -> None:
    unit = torch.eye(8)
    assert float(agreement_loss(unit, unit)) < 0.05
    assert float(agreement_loss(unit, unit.roll(1, 0))) > 5


def test_a_look_is_the_crop_of_its_square() -> None:
    picture = torch.zeros(1, 1, 128, 128)
    picture[0, 0, 20:60, 70:110] = 1
    box = np.array([square_around(picture[0, 0].numpy() > 0)])
    assert box.tolist() == [[90, 40, 20]]
    still = np.zeros(1)
    whole = look_at(picture, box, still > 0, still)[0, 0]
    assert float(whole[1:-1, 1:-1].min()) > 0.99
    assert float(whole.min()) > 0.5
    picture[0, 0, :, 70:90] = 0
    seen, mirrored = (
        look_at(picture, box, np.array([flip]), still)[0, 0] for flip in (False, True)
    )
    assert float(seen[:, :31].max()) == 0
    assert float(seen[1:-1, 33:-1].min()) > 0.99
    assert torch.allclose(seen, mirrored.flip(1), atol=1e-5)
