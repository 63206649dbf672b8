"""What a quick check must not import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import sys
sys.argv[1:] = ARGUMENTS
from dockerlayer.cli import main
try:
    main()
except SystemExit as done:
    code = done.code
print("code", code, file=sys.stderr)
for name in (
    "rich", "libcst", "multiprocessing", "concurrent", "html", "pygls", "lsprotocol", "yaml", "tree_sitter_hcl",
    "dockerlayer.builds.compose", "dockerlayer.builds.bake", "dockerlayer.report.json", "dockerlayer.report.sarif",
    "dockerlayer.baseline", "dockerlayer.git", "dockerlayer.checks.pages",
    "tomllib", "dockerlayer.config.resolve", "dockerlayer.config.fields", "dockerlayer.config.lines",
):  # fmt: skip
    if name in sys.modules:
        print("slow", name, file=sys.stderr)
for name in sys.modules:
    # The code of a plugin whose programs the file does not name.
    if name.startswith("dockerlayer_rules._"):
        print("slow", name, file=sys.stderr)
"""
BAD = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"


@pytest.mark.parametrize(
    ("text", "arguments", "code"),
    [
        (b"FROM scratch\n", ["check", "Dockerfile"], 0),
        (BAD, ["check", "Dockerfile"], 1),
        (BAD, ["check", "--force-exclude", "Dockerfile"], 1),
        (BAD, ["check", "--color", "always", "Dockerfile"], 1),
        (BAD, ["fix", "Dockerfile"], 0),
        (BAD, ["--help"], 0),
        (BAD, ["lsp", "--help"], 0),
        (BAD, ["check", "--help"], 0),
    ],
)
def test_slow_modules_stay_out(
    environment: dict[str, str], project: Path, text: bytes, arguments: list[str], code: int
) -> None:
    (project / "Dockerfile").write_bytes(text)
    # One that builds nothing.
    (project / "compose.yaml").write_text("services: {db: {image: postgres}}")
    for words in (("init",), ("add", "Dockerfile")):
        subprocess.run(["git", *words], cwd=project, check=True, capture_output=True)
    script = _SCRIPT.replace("ARGUMENTS", repr(arguments))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project, env=environment, capture_output=True, text=True, check=True
    )
    assert f"code {code}\n" in done.stderr
    assert "slow " not in done.stderr


def test_help_does_not_read_the_core(environment: dict[str, str], project: Path) -> None:
    script = _SCRIPT.replace("ARGUMENTS", repr(["check", "--help"])).replace('"rich"', '"dockerlayer.engine"')
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert "slow " not in done.stderr
