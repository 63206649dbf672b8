"""What the README shows of the program is what the program says."""

import re
from pathlib import Path

from dockerlayer.api import Ecosystem
from dockerlayer.report.ecosystems import ecosystems_text

README = Path(__file__).parents[1] / "README.md"


def test_table_of_ecosystems(ecosystems: tuple[Ecosystem, ...]) -> None:
    text = README.read_text("utf-8")
    (shown,) = re.findall(r"<!-- ecosystems-table -->\n(.*)<!-- /ecosystems-table -->\n", text, re.DOTALL)
    assert shown == ecosystems_text(ecosystems), "dockerlayer ecosystems prints the table"
