"""The shared models, under the names that the tests ask for."""

from tests.models.fixtures import model_base, pocket, tiny1

__all__ = ["model_base", "pocket", "tiny1"]
