#!/bin/sh
# diffusers 0.42.1 with transformers 5.23.0, torch 2.14.1 (CPU), Python 3.11 to 3.13.
#
# StableDiffusionPipeline.encode_prompt takes clip_skip, "number of layers to be skipped from CLIP".
# It then asks the text encoder for text_model.final_layer_norm, where transformers 4 had the last
# norm; transformers 5 has flattened CLIPTextModel, and the norm stands at final_layer_norm.
#
# Guess before it was run: clip_skip=1 gives the states of the last layer but one, normalised.
# Seen: AttributeError, 'CLIPTextModel' object has no attribute 'text_model'; without clip_skip the
# same pipeline works.
#
# Exit status: 0 while it behaves so, 1 when it has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "diffusers==0.42.1" "transformers==5.23.0" "torch==2.14.1" "numpy<3"
cat > "$folder/probe.py" <<'PROBE'
import sys

import torch
from diffusers import StableDiffusionPipeline
from transformers import CLIPTextConfig, CLIPTextModel


class Tokenizer:
    model_max_length = 8

    def __call__(self, *_: object, **__: object) -> "Tokenizer":
        self.input_ids, self.attention_mask = torch.ones(1, 8, dtype=torch.int64), torch.ones(1, 8)
        return self

    def batch_decode(self, *_: object) -> list[str]:
        return [""]


config = CLIPTextConfig(
    vocab_size=16, hidden_size=16, intermediate_size=16, num_hidden_layers=2,
    num_attention_heads=2, max_position_embeddings=8,
)
parts = dict.fromkeys(("vae", "unet", "scheduler", "safety_checker", "feature_extractor"))


class Holder:
    text_encoder = CLIPTextModel(config).eval()
    tokenizer = Tokenizer()
    unet = None
    encode = StableDiffusionPipeline.encode_prompt


def states(skip: int | None) -> str:
    try:
        found, _ = Holder().encode("a", "cpu", 1, False, clip_skip=skip)
    except AttributeError as error:
        return str(error)
    return f"states {tuple(found.shape)}"


plain, skipped = states(None), states(1)
print(f"without clip_skip: {plain}")
print(f"with clip_skip=1: {skipped}")
sys.exit(0 if plain.startswith("states") and "text_model" in skipped else 1)
PROBE
"$folder/venv/bin/python" "$folder/probe.py"
