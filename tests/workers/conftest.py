"""The networks of the models' tests, for what workers do with them."""

from tests.models.fixtures import model_base, tiny1

__all__ = ["model_base", "tiny1"]
