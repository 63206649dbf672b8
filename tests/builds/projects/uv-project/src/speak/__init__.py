"""Numbers in words."""

from importlib.metadata import version

from num2words import num2words


def main() -> None:
    print(num2words(42), "num2words", version("num2words"))
