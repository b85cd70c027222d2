"""The shared models, under the names that the tests ask for."""

from tests.models.fixtures import bundle, model_base, pocket, tiny1, tiny2

__all__ = ["bundle", "model_base", "pocket", "tiny1", "tiny2"]
