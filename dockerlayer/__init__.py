"""dockerlayer: keep dependency downloads in a layer of their own. Importing this package imports nothing else."""

__version__ = "0.1.0"
