"""Proof by real builds: a Dockerfile as it is and as ``fix`` would make it, built, touched and built again."""
