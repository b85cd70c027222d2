"""What the networks of the pocket family look like."""
