from collections.abc import Sequence

from open_clip.model import CLIP as CLIP
from torch import Tensor

class SimpleTokenizer:
    encoder: dict[str, int]
    bpe_ranks: dict[tuple[str, ...], int]
    def __call__(self, texts: Sequence[str]) -> Tensor: ...

def create_model(
    name: str, *, device: str = ..., require_pretrained: bool = ..., precision: str = ...
) -> CLIP: ...
def get_tokenizer(name: str) -> SimpleTokenizer: ...
