from torch import nn

class VectorQuantizer(nn.Module):
    embedding: nn.Embedding
    def __init__(self, n_e: int, e_dim: int, beta: float) -> None: ...
