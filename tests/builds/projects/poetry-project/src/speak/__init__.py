from importlib.metadata import version

from humanize import naturalsize

AMOUNT = 82_900_000


def main() -> None:
    print(naturalsize(AMOUNT), "humanize", version("humanize"))
