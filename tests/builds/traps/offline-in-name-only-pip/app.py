"""Say an amount and a domain as people and machines read them."""

from importlib.metadata import version

import humanize
import idna

AMOUNT = 82_854_982

print(humanize.naturalsize(AMOUNT), idna.encode("schicht-träger.example").decode(), "humanize", version("humanize"))
