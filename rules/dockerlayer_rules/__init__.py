"""The ecosystems that ship with dockerlayer, one file each; they import ``dockerlayer.api`` and nothing else of it."""
