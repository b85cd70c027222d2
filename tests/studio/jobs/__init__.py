"""The tests of backend/studio/jobs."""
