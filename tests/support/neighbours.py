"""hadolint and tally, run as programs: what they say of many Dockerfiles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

BIN = Path(sys.executable).parent
HADOLINT = (str(BIN / "hadolint"), "--no-fail", "--format", "json")
# Its ShellCheck is the one that hadolint has, and takes ten times as long.
TALLY = (
    str(BIN / "tally"),
    "lint",
    "--format",
    "json",
    "--slow-checks=off",
    "--fail-level=none",
    "--ignore=shellcheck/*",
)
UNREADABLE = "DL1000"
BATCH = 150


class Remark(NamedTuple):
    """What a tool says of a line; ``code`` is the tool's own name of the rule. Line -1 is the whole file."""

    code: str
    line: int
    text: str


Key = TypeVar("Key", bound=Hashable)


def remarks(files: Mapping[Key, bytes], tools: Sequence[str] = ("hadolint", "tally")) -> dict[Key, list[Remark]]:
    """The remarks of the tools, run with their default rules, on each of the files."""
    found: defaultdict[Key, list[Remark]] = defaultdict(list, {key: [] for key in files})
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(os.cpu_count()) as pool:
        keys: dict[str, Key] = {}
        for number, (key, data) in enumerate(files.items()):
            path = Path(place, str(number), "Dockerfile")
            path.parent.mkdir()
            path.write_bytes(data)
            keys[str(path)] = key
        paths = list(keys)
        batches = [paths[at : at + BATCH] for at in range(0, len(paths), BATCH)]
        readers = {"hadolint": _hadolint, "tally": _tally}
        for said in (said for tool in tools for said in pool.map(readers[tool], batches)):
            for path, remark in said:
                found[keys[path]].append(remark)
    return dict(found)


def _hadolint(paths: Sequence[str]) -> list[tuple[str, Remark]]:
    said = _run(HADOLINT, paths)
    return [(item["file"], Remark(item["code"], item["line"], item["message"])) for item in said]


def _tally(paths: Sequence[str]) -> list[tuple[str, Remark]]:
    said = _run(TALLY, paths)
    return [
        (file["file"], Remark(item["rule"], item["location"]["start"]["line"], item["message"]))
        for file in said["files"]
        for item in file["violations"]
    ]


def _run(command: Sequence[str], paths: Sequence[str]) -> Any:
    done = subprocess.run([*command, *paths], capture_output=True, check=False, cwd=os.path.dirname(paths[0]))
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[-500:]}"
    return json.loads(done.stdout)
