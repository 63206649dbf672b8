"""``action.yml``: its steps run as a runner runs them, on a repository with names that break careless scripts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = ACTION["runs"]["steps"]
BAD = b"FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
LOCK = b'{"lockfileVersion": 3, "packages": {"": {"dependencies": {"a": "1"}}, "node_modules/a": {"version": "1.0.0"}}}'
BASH = shutil.which("bash") or ""

pytestmark = pytest.mark.skipif(not BASH or os.name != "posix", reason="the steps are bash scripts")


class Ran(NamedTuple):
    """What came of a step: exit code, log, what it set as outputs, and the job summary so far."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str


def test_schema() -> None:
    schema = files("check_jsonschema").joinpath("builtin_schemas/vendor/github-actions.json").read_text("utf-8")
    Draft7Validator(json.loads(schema)).validate(ACTION)


def test_nothing_is_put_into_a_script() -> None:
    for step in STEPS:
        assert "${{" not in step.get("run", ""), "what a user gives is read from the environment"
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text("utf-8")))
    assert used == set(ACTION["inputs"])


def _step(name: str) -> dict[str, Any]:
    (found,) = (step for step in STEPS if name in step.get("run", ""))
    return dict(found)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with two Dockerfiles that download again, and one that does not."""
    root = tmp_path / "my repo"
    for name in ("web", "a, b:c 100%"):
        (root / name).mkdir(parents=True)
        (root / name / "Dockerfile").write_bytes(BAD)
        (root / name / "package.json").write_text('{"dependencies": {"a": "1"}}')
        (root / name / "package-lock.json").write_bytes(LOCK)
        (root / name / "main.js").write_text("")
    (root / "Dockerfile").write_bytes(b"FROM scratch\n")
    git = ["git", "-C", str(root), "-c", "user.name=n", "-c", "user.email=n@example.com"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True, timeout=60)
    return root


Play = Callable[..., Ran]


@pytest.fixture
def play(tmp_path: Path, repository: Path) -> Play:
    """``play(step, **inputs)`` runs one step; dockerlayer is installed where the step before would have put it."""
    temporary = tmp_path / "runner temp"
    (temporary / "dockerlayer" / "bin").mkdir(parents=True)
    python = temporary / "dockerlayer" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)

    def start(step: Mapping[str, Any], **inputs: str) -> Ran:
        given = {name: str(item.get("default", "")) for name, item in ACTION["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}

        def valued(text: str) -> str:
            text = re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: given[found[1]], text)
            return text.replace("${{ github.action_path }}", str(ROOT)).replace("${{ steps.python.outputs.name }}", "")

        outputs, summary = tmp_path / "outputs", tmp_path / "summary"
        outputs.write_text("")
        summary.touch()
        script = tmp_path / "script.sh"
        script.write_text(step["run"])
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "rules"))),
            "RUNNER_TEMP": str(temporary),
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_WORKSPACE": str(repository),
            "GITHUB_ACTIONS": "true",
            **{name: valued(value) for name, value in step.get("env", {}).items()},
        }
        done = subprocess.run(
            [BASH, "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=repository / valued(step.get("working-directory", ".")),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        pairs = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
        return Ran(done.returncode, done.stdout, pairs, summary.read_text("utf-8"))

    return start


def test_python_is_found(play: Play) -> None:
    ran = play(_step("ensurepip"))
    assert ran.code == 0
    assert ran.outputs.get("name", "python3") in {"python3", "python"}


def test_install(play: Play, tmp_path: Path) -> None:
    step = _step("pip install")
    fake = tmp_path / "fake"
    fake.write_text('#!/bin/sh\nprintf "%s|" "$@" >>"$HOME/calls"\necho >>"$HOME/calls"\n')
    fake.chmod(0o755)
    python = tmp_path / "runner temp" / "dockerlayer" / "bin" / "python"
    python.unlink()
    python.symlink_to(fake)
    assert play({**step, "env": {**step["env"], "PYTHON": str(fake)}}).code == 0
    venv, pip = (tmp_path / "calls").read_text().splitlines()
    assert venv == f"-m|venv|{tmp_path}/runner temp/dockerlayer|"
    assert pip == f"-m|pip|install|--quiet|--disable-pip-version-check|{ROOT}|"


def test_findings(play: Play, repository: Path) -> None:
    ran = play(_step("dockerlayer check"), sarif="out.sarif", outputs="json=a b.json\n\nconcise=c.txt\n")
    assert (ran.code, ran.outputs) == (1, {"exit-code": "1", "sarif": "out.sarif"})
    assert ran.log.count("::warning file=") == 2
    assert "::warning file=a%2C b%3Ac 100%25/Dockerfile,line=4," in ran.log
    assert "| npm | GitHub (Microsoft) | 2 packages | 2 |" in ran.summary
    assert len(json.loads((repository / "out.sarif").read_bytes())["runs"][0]["results"]) == 2
    assert json.loads((repository / "a b.json").read_bytes())["summary"]["problems"] == 2
    assert (repository / "c.txt").read_text().count("\n") == 3


def test_clean_run(play: Play) -> None:
    ran = play(_step("dockerlayer check"), paths="Dockerfile")
    assert (ran.code, ran.log, ran.outputs) == (0, "dockerlayer: All clean: 1 file checked.\n", {"exit-code": "0"})
    assert "All clean" in ran.summary


def test_inputs(play: Play, repository: Path) -> None:
    check = _step("dockerlayer check")
    ran = play(check, fail_on="error", summary="false", annotations="false", paths="web\r\na, b:c 100%\r\n")
    assert (ran.code, ran.summary) == (0, "")
    assert "web/Dockerfile:4:5: source-before-download: " in ran.log
    assert "2 problems in 2 of 2 files" in ran.log
    ran = play(check, working_directory="web", args="--ignore 'source-before-download' --color \"never\"")
    assert (ran.code, ran.log) == (0, "dockerlayer: All clean: 1 file checked.\n")
    ran = play(check, working_directory="web", sarif="out.sarif")
    assert ran.outputs["sarif"] == "web/out.sarif"
    assert (repository / "web" / "out.sarif").is_file()
    assert "::warning file=web/Dockerfile," in ran.log, "annotations are of files of the repository"


@pytest.mark.parametrize("evil", ["$(touch {0})", "`touch {0}`", "'; touch {0}; '", '"; touch {0}; "', "|| touch {0}"])
def test_inputs_are_never_run(play: Play, tmp_path: Path, evil: str) -> None:
    evil = evil.format(tmp_path / "pwned")
    for name in ("paths", "args", "fail_on", "sarif", "outputs", "annotations", "summary"):
        play(_step("dockerlayer check"), **{name: evil})
        assert not (tmp_path / "pwned").exists(), name


def test_mistakes_are_errors(play: Play) -> None:
    check = _step("dockerlayer check")
    for inputs in ({"paths": "gone"}, {"args": "--no-such-option"}, {"sarif": "no/such/x"}, {"paths": "--help"}):
        ran = play(check, **inputs)
        assert (ran.code, ran.outputs) == (2, {"exit-code": "2"}), inputs
    assert "::error file=gone,title=dockerlayer::gone: No such file or directory\n" in play(check, paths="gone").log
    ran = play(check, args="--exit-zero '--no-end")
    assert ran.code
    assert "::warning" not in ran.log, "half of what was asked for is not done"
    ran = play(check, sarif="a\nexit-code=0")
    assert (ran.code, ran.outputs) == (2, {})
