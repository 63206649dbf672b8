"""Rules that hold for every ecosystem, driven by the plugins' data."""
