"""What surrounds a Dockerfile: the build context and its ignore file."""
