"""Projects: their scenes, pictures, candidates and history."""
