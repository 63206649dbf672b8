"""A ship that is told where to go."""
