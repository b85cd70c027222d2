"""The tests of backend/studio/storage."""
