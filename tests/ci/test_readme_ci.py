"""What the README tells people to paste into their CI does what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).parents[2]
BASH = shutil.which("bash") or ""
needs_bash = pytest.mark.skipif(not BASH or os.name != "posix", reason="what is run are lines for a POSIX shell")


def snippet(name: str) -> str:
    """The fenced block behind a mark in the README."""
    text = (ROOT / "README.md").read_text("utf-8")
    (found,) = re.findall(rf"<!-- {name} -->\n```\w+\n(.*?)```\n", text, re.DOTALL)
    return str(found)


def schema(name: str) -> Draft7Validator:
    """A schema that check-jsonschema ships."""
    path = files("check_jsonschema").joinpath(f"builtin_schemas/vendor/{name}.json")
    return Draft7Validator(json.loads(path.read_text("utf-8")))


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """The environment of a job in which dockerlayer is installed."""
    tools = tmp_path / "bin"
    tools.mkdir()
    tool = tools / "dockerlayer"
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dockerlayer "$@"\n')
    tool.chmod(0o755)
    modules = os.pathsep.join(map(str, (ROOT, ROOT / "rules")))
    return {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": modules, "HOME": str(tmp_path)}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one finding."""
    root = tmp_path / "project"
    shutil.copytree(ROOT / "fixtures" / "npm" / "naive", root, ignore=shutil.ignore_patterns("expected"))
    return root


def test_github_workflow() -> None:
    workflow = yaml.safe_load(snippet("github-workflow"))
    workflow["on"] = workflow.pop(True)  # what YAML 1.1 takes the word for
    schema("github-workflows").validate(workflow)
    (job,) = workflow["jobs"].values()
    (action,) = (step for step in job["steps"] if "THIS_REPOSITORY" in step["uses"])
    inputs = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"]
    assert set(action["with"]) <= set(inputs)
    (upload,) = (step for step in job["steps"] if "upload-sarif" in step["uses"])
    assert upload["with"]["sarif_file"] == action["with"]["sarif"]
    # After findings too, but not where a mistake in the inputs was told before there was a report.
    assert upload["if"] == f"always() && hashFiles('{action['with']['sarif']}') != ''"


def test_inputs_of_the_action_are_told() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    section = text[text.index("## In CI") : text.index("**GitLab.**")]
    for name in yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"]:
        assert f"`{name}`" in section, name


@needs_bash
def test_gitlab_job(shell: dict[str, str], project: Path) -> None:
    pipeline: dict[str, Any] = yaml.safe_load(snippet("gitlab-job"))
    schema("gitlab-ci").validate(pipeline)
    (job,) = pipeline.values()
    assert job["variables"]["DOCKERLAYER"].startswith("git+")  # no package index has it
    assert not job["image"].endswith(("-slim", "-alpine"))  # which have no git
    script = "\n".join(job["script"])
    done = subprocess.run([BASH, "-eo", "pipefail", "-c", script], cwd=project, env=shell, timeout=120, check=False)
    assert done.returncode == 1
    reports = job["artifacts"]["reports"]
    (issue,) = json.loads((project / reports["codequality"]).read_bytes())
    assert (issue["location"]["path"], issue["severity"]) == ("Dockerfile", "major")
    assert ElementTree.parse(project / reports["junit"]).getroot().attrib["failures"] == "1"


@needs_bash
def test_reviewdog_command(shell: dict[str, str], project: Path, tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "reviewdog"
    tool.write_text('#!/bin/sh\necho "$@"\ncat\n')
    tool.chmod(0o755)
    command = snippet("reviewdog-command")
    done = subprocess.run([BASH, "-c", command], cwd=project, env=shell, capture_output=True, timeout=120, check=True)
    words, _, text = done.stdout.partition(b"\n")
    assert b"-f=rdjson" in words
    (diagnostic,) = json.loads(text)["diagnostics"]
    assert len(diagnostic["suggestions"]) == 1
