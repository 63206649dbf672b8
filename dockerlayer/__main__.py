"""``python -m dockerlayer``."""

from dockerlayer.cli import main

if __name__ == "__main__":
    main()
