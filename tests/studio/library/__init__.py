"""The tests of backend/studio/library."""
