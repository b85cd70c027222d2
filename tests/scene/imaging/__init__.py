"""The tests of backend/scene/imaging."""
