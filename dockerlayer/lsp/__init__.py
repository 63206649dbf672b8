"""The language server: what the engine says, in the words of the Language Server Protocol 3.17."""
