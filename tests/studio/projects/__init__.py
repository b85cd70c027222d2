"""The tests of backend/studio/projects."""
