from torch import nn

class Attention(nn.Module):
    heads: int
    scale: float
    to_q: nn.Linear
    to_k: nn.Linear
    to_v: nn.Linear
    to_out: nn.ModuleList
    norm_cross: nn.Module | None
    norm_q: nn.Module | None
    norm_k: nn.Module | None
    spatial_norm: nn.Module | None
    group_norm: nn.Module | None
    residual_connection: bool
    rescale_output_factor: float
    processor: object
