from collections.abc import Mapping

from torch import Tensor, nn

class CLIP(nn.Module):
    attn_mask: Tensor
    ln_final: nn.Module
    logit_scale: nn.Parameter
    positional_embedding: nn.Parameter
    text_pool_type: str
    text_projection: nn.Parameter
    token_embedding: nn.Embedding
    transformer: nn.Module
    visual: nn.Module
    def __init__(
        self,
        embed_dim: int,
        vision_cfg: Mapping[str, object],
        text_cfg: Mapping[str, object],
        **how: object,
    ) -> None: ...
    def encode_image(self, pictures: Tensor) -> Tensor: ...
    def encode_text(self, ids: Tensor) -> Tensor: ...
