"""Says an amount."""

from importlib.metadata import version

import humanize
from text import heading


def main() -> None:
    print(heading("träger.example"), humanize.intcomma(12345), "idna", version("idna"))
