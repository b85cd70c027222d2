"""The tests of backend/studio."""
