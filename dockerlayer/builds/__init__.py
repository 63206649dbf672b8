"""Which build context, Dockerfile, target and arguments a project's Compose and Bake files build with.

Nothing of what is read here is executed, nothing is asked over the network or of the environment of the process, and
what cannot be told for certain is told as a problem: it is never guessed.
"""
