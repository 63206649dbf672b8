"""Both yarns on small projects: what a command fetches, and what the files of a project are."""

from __future__ import annotations

import json
from pathlib import Path

from dockerlayer.api import Ecosystem, Fetch
from dockerlayer.checks.survey import Survey
from dockerlayer.model.context import Context
from dockerlayer.model.effects import Effect
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules.yarn import ecosystem as classic
from dockerlayer_rules.yarn_berry import ecosystem as berry

FIXTURES = Path(__file__).parents[2] / "fixtures"
MANIFEST = (FIXTURES / "yarn" / "naive" / "package.json").read_text("utf-8")
LOCKS = {
    "yarn": (FIXTURES / "yarn" / "naive" / "yarn.lock").read_text("utf-8"),
    "yarn-berry": (FIXTURES / "yarn-berry" / "naive" / "yarn.lock").read_text("utf-8"),
}
HEADS = {
    "yarn": "FROM node:22\nWORKDIR /app\nCOPY . .\n",
    "yarn-berry": "FROM node:22\nRUN npm i -g --force @yarnpkg/cli-dist@4.18.1\nWORKDIR /app\nCOPY . .\n",
}
OWN = {
    "yarn": {"yarn.lock": LOCKS["yarn"]},
    "yarn-berry": {"yarn.lock": LOCKS["yarn-berry"], ".yarnrc.yml": "nodeLinker: node-modules\n"},
}
BOTH = (classic, berry)
SCRIPT = MANIFEST.replace('"scripts": {', '"scripts": { "postinstall": "node build.js",')

Files = dict[str, str | bytes]


def survey(root: Path, text: str, files: Files) -> Survey:
    """A Dockerfile in a context of small files, surveyed with both plugins."""
    given: Files = {"package.json": MANIFEST, "a.js": "", ".dockerignore": "node_modules\n", **files}
    for name, content in given.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Survey(Analysis(parse(text.encode()), Context.open(root)), BOTH)


def fetches(found: Survey) -> list[tuple[str, Fetch]]:
    """What is fetched by yarn, with the name of the plugin that says so."""
    steps = found.analysis.build.steps()
    seen = [item for step in steps if step.name == "run" for item in found.sightings(step)]
    return [(item.ecosystem.name, item.fetch) for item in seen]


def read(root: Path, which: str, run: str, files: Files | None = None) -> Fetch | None:
    """What ``RUN <run>`` fetches below the copied source of a project of one generation."""
    found = fetches(survey(root, f"{HEADS[which]}RUN {run}\n", {**OWN[which], **(files or {})}))
    assert {name for name, _ in found} <= {which}
    return found[-1][1] if found else None


def workspace(**more: str | dict[str, str]) -> Files:
    """A workspace with one package, whose manifest has more to say."""
    root = {**json.loads(MANIFEST), "workspaces": ["packages/*"]}
    return {
        "package.json": json.dumps(root),
        "packages/a/package.json": json.dumps({"name": "a", "version": "1.0.0", **more}),
    }


def effects_of(found: Survey, known: Ecosystem) -> list[Effect | None]:
    """The effects of all commands that a plugin answers to."""
    assert known.effect is not None
    analysis = found.analysis
    return [
        known.effect(call, analysis.scene(step))
        for step in analysis.build.steps()
        if step.name == "run"
        for call in analysis.run(step).calls
        if known.answers_to.match(call.program)
    ]
