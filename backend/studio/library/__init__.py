"""What belongs to the store and not to a project: subjects, learned embeddings, examples."""
