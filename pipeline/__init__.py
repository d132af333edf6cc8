"""Post → decision."""
