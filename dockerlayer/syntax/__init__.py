"""Text to lossless tree: the Dockerfile grammar as BuildKit reads it, and the shell inside RUN."""
