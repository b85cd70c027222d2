"""The tests of backend/workers."""
