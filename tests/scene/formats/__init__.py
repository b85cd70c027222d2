"""The tests of backend/scene/formats."""
