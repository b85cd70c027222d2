"""The weights: cards, safe loading, the cache, samplers behind one adapter, and the attention seam.

The only folder that imports diffusers and transformers. ``catalog.find_models(folders)`` lists what
is present: the embedded pocket family first, then every folder in Stable Diffusion's diffusers
layout (``model_index.json`` with ``unet``, ``vae``, ``text_encoder``, ``tokenizer``, ``scheduler``;
SD 1.x and 2.x) that lies in, or is, one of the folders given. Which folders those are is a setting
of the program; nothing here reads the environment, nothing is ever downloaded, and weights are
accepted as safetensors only.
"""
