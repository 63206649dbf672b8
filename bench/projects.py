"""Build real projects before and after ``dockerlayer fix`` and print what was seen as a Markdown table.

    python bench/projects.py CHECKOUTS [NAME ...] [--stand-ins] [--network host] [--reports DIRECTORY]

CHECKOUTS has a folder ``owner__name`` for each project of ``projects.toml``; what is missing there is cloned at the
recorded commit. A NAME is part of a repository's or a Dockerfile's name and chooses what is built. Each project is
copied, fixed and proven by ``dockerlayer verify``, which needs Docker with buildx. The bytes are those that the whole
machine received: let it do nothing else meanwhile.

--stand-ins replaces base images by those of ``projects.Dockerfile``, for a machine that reaches no registry of images;
``# syntax=`` lines are then left out of the copies, since they name an image as well.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dockerlayer.verify.verdict import size

HERE = Path(__file__).resolve().parent
FORGE = "https://github.com"
STAND_IN = "dockerlayer-projects"
HEADINGS = (
    "project",
    "Dockerfile",
    "what fix did",
    "builds",
    "downloads cached after an edit",
    "received after the edit",
    "seconds after the edit",
    "image",
    "verdict",
)
_SYNTAX = re.compile(rb"\A(?:#(?!\s*syntax\s*=)[^\n]*\n)*?(#[ \t]*syntax[ \t]*=[^\n]*\n)", re.IGNORECASE)


class Project(NamedTuple):
    """An entry of ``projects.toml``, where the fields are explained."""

    repo: str
    commit: str
    dockerfile: str = "Dockerfile"
    context: str = "."
    target: str = ""
    why: str = ""
    touch: str = ""
    replace: dict[str, str] = {}  # noqa: RUF012
    build_args: dict[str, str] = {}  # noqa: RUF012
    files: dict[str, str] = {}  # noqa: RUF012
    unsafe: bool = False

    @property
    def name(self) -> str:
        """Where the Dockerfile is, for people."""
        return f"{self.repo}/{self.dockerfile}"


class ProjectError(Exception):
    """A project that could not be looked at, and why."""


def main() -> int:
    """Build the projects one after the other; exit code 1 when a build shows that a fix is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--stand-ins", action="store_true", help="build on stand-ins for the base images")
    parser.add_argument("--network", metavar="MODE", help="passed on to the builder")
    parser.add_argument("--reports", type=Path, help="keep the reports here; what is here already is not built again")
    given = parser.parse_args()
    projects = [p for p in load() if not given.names or any(name in p.name for name in given.names)]
    if given.stand_ins:
        _build_stand_ins({base for project in projects for base in project.replace.values() if ":" not in base}, given)
    print("\n".join(table([])), flush=True)
    wrong = False
    for project in projects:
        try:
            report = _kept(project, given)
        except ProjectError as error:
            print(_line((project.repo, _where(project), *[""] * 6, f"not run: {error}")), flush=True)
        else:
            wrong |= report["verify"]["verdict"] == "not-proven" and bool(report["made"])
            print(_line(row_of(project, report)), flush=True)
    return int(wrong)


def load() -> list[Project]:
    """The projects in the file's order."""
    entries = tomllib.loads((HERE / "projects.toml").read_text())["project"]
    return [Project(**{key.replace("-", "_"): value for key, value in entry.items()}) for entry in entries]


def _kept(project: Project, given: argparse.Namespace) -> dict[str, Any]:
    place: Path | None = given.reports and given.reports / f"{re.sub(r'[^A-Za-z0-9.]+', '_', project.name)}.json"
    if place is not None and place.exists():
        kept: dict[str, Any] = json.loads(place.read_text())
        return kept
    report = look_at(project, given.checkouts, given.stand_ins, given.network)
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(report, indent=2))
    return report


def look_at(project: Project, checkouts: Path, stand_ins: bool, network: str | None) -> dict[str, Any]:
    """What ``fix`` makes of a project (``made``, ``left``) and what ``verify`` says (``verify``)."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / project.repo.replace("/", "__")
        shutil.copytree(_checkout(project, checkouts), copy, symlinks=True)
        for name, text in project.files.items():
            (copy / name).write_text(text)
        dockerfile = copy / project.dockerfile
        if stand_ins and (match := _SYNTAX.match(text_of := dockerfile.read_bytes())):
            dockerfile.write_bytes(text_of[: match.start(1)] + text_of[match.end(1) :])
        where = [str(dockerfile), "--context", str(copy / project.context), "--format", "json"]
        where += ["--unsafe"] if project.unsafe else []
        fixed = _json("fix", "--diff", *where)["files"][0]
        proof = _json("verify", *where, *_options(project, stand_ins, network))
    return {"made": fixed["made"], "left": fixed["findings"], "diff": fixed["diff"], "verify": proof}


def _options(project: Project, stand_ins: bool, network: str | None) -> Iterator[str]:
    if project.target:
        yield from ("--target", project.target)
    if project.touch:
        yield from ("--touch", project.touch)
    if network:
        yield from ("--network", network)
    for name, value in project.build_args.items():
        yield from ("--build-arg", f"{name}={value}")
    for base, other in project.replace.items() if stand_ins else ():
        image = other if ":" in other else f"{STAND_IN}:{other}"
        yield from ("--build-context", f"{base}=docker-image://{image}")


def _checkout(project: Project, checkouts: Path) -> Path:
    folder = checkouts / project.repo.replace("/", "__")
    if not folder.exists():
        git = ["git", "-C", str(folder)]
        folder.mkdir(parents=True)
        commands = (
            [*git, "init", "-q"],
            [*git, "fetch", "-q", "--depth", "1", f"{FORGE}/{project.repo}", project.commit],
            [*git, "checkout", "-q", "FETCH_HEAD"],
        )
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                shutil.rmtree(folder)
                raise ProjectError(done.stderr.strip() or "git failed")
    return folder


def _json(command: str, *arguments: str) -> dict[str, Any]:
    run = [sys.executable, "-m", "dockerlayer", command, *arguments]
    done = subprocess.run(run, capture_output=True, text=True)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise ProjectError(done.stderr.strip().rpartition("\n")[2] or f"{command} failed") from None
    return report


def _build_stand_ins(stages: set[str], given: argparse.Namespace) -> None:
    for stage in sorted(stages):
        print(f"building the stand-in {stage} ...", file=sys.stderr)
        command = ["docker", "buildx", "build", "-q", "-f", str(HERE / "projects.Dockerfile"), "--target", stage]
        command += ["-t", f"{STAND_IN}:{stage}", *(["--network", given.network] if given.network else []), str(HERE)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table of rows."""
    return [_line(HEADINGS), _line(["---"] * len(HEADINGS)), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def row_of(project: Project, report: dict[str, Any]) -> tuple[str, ...]:
    """One project's line of the table."""
    proof = report["verify"]
    trials = [trial for trial in (proof.get("before"), proof.get("after")) if trial]
    return (
        project.repo,
        _where(project),
        _fixes(report),
        _pair("yes" if trial["first"]["ok"] else "**no**" for trial in trials),
        _pair(map(_cached, trials)),
        _pair(_amount(trial["after_edit"], "received") for trial in trials),
        _pair(_amount(trial["after_edit"], "seconds") for trial in trials),
        _pair("" if trial["size"] is None else size(trial["size"]) for trial in trials),
        f"{proof['verdict']}: {proof['reasons'][0]}" if proof["verdict"] != "proven" else "proven",
    )


def _where(project: Project) -> str:
    return f"{project.dockerfile} ({project.target})" if project.target else project.dockerfile


def _fixes(report: dict[str, Any]) -> str:
    made = [f"{fix['rule']} line {fix['line']}: {fix['pattern'] or fix['title']}" for fix in report["made"]]
    made += [f"{finding['rule']} line {finding['place']['start']['line']}: left" for finding in report["left"]]
    return "; ".join(made) or "nothing to fix"


def _cached(trial: dict[str, Any]) -> str:
    if trial["after_edit"] is None:
        return ""
    lines = {step["line"] for step in trial["first"]["steps"] if step["role"] == "download"}
    return f"{len(lines.difference(trial['repeated_downloads']))} of {len(lines)}"


def _amount(build: dict[str, Any] | None, what: str) -> str:
    if build is None or build[what] is None:
        return ""
    return size(build[what]) if what == "received" else f"{build[what]:.0f}"


def _pair(cells: Iterator[str]) -> str:
    return " → ".join(cells)


if __name__ == "__main__":
    sys.exit(main())
