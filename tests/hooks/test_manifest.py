"""The names that the hooks are for are those that a search of a directory would find."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from dockerlayer.cli.places import Places
from dockerlayer.discovery import is_dockerfile

ROOT = Path(__file__).parents[2]
MANIFEST = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
HOOKS = {hook["id"]: hook for hook in MANIFEST}
NAMES = re.compile(HOOKS["dockerlayer"]["files"])

YES = """Dockerfile dockerfile DOCKERFILE DockerFile Dockerfile.dev Dockerfile-alpine dockerfile.prod.arm64 Dockerfile.
Dockerfile- api.Dockerfile api.dockerfile .dockerfile Containerfile containerfile Containerfile.x Containerfile-x
ContainerfileX Dockerfile.dockerignored Dockerfile.py Dockerfile.yaml Dockerfile.origin Dockerfile.markdown
x.dockerignore.dockerfile Dockerfile.sh""".split()
NO = """Dockerfiles MyDockerfile my-dockerfile Dockerfile_dev dockerfile.dockerignore Dockerfile.DOCKERIGNORE
Containerfile.dockerignore .dockerignore api.Dockerfile.dockerignore x.dockerfile.txt Dockerfile~ Dockerfile.swp
Dockerfile.swo .Dockerfile.swp Dockerfile.orig Dockerfile.bak Dockerfile.rej dockerfile.png dockerfile.JPEG
Dockerfile.jpg dockerfile-cheatsheet.pdf Dockerfile.md Containerfile.md Dockerfile.rst Dockerfile.htm Dockerfile.html
Dockerfile.css dockerfile.js dockerfile.jsx dockerfile.ts dockerfile.tsx Dockerfile.j2 Dockerfile.jinja
Dockerfile.jinja2 Dockerfile.erb Dockerfile.tmpl Dockerfile.tpl Dockerfile.gotmpl Dockerfile.mustache Dockerfile.gif
Dockerfile.svg Dockerfile.webp Container compose.yaml docker-compose.yml package.json""".split()
HOSTILE = [
    "Dockerfile ",
    " Dockerfile",
    "Dockerfile. x",
    "my api.Dockerfile",
    "Dockerfile.ü",
    "ü.dockerfile",
    "Dockerfile$",
]
HOSTILE += [
    "Dockerfile.\udcff",
    "Dockerfile.a\nb",
    "a\nDockerfile",
    "a\nb.dockerfile",
    "Dockerfile\\x",
    "Dockerfile.~a",
]
HOSTILE += ["", "-.Dockerfile", "--context.Dockerfile", "Docker\u212afile", "doc\u212aerfile", "Dockerfile.\u017fwp"]


@pytest.mark.parametrize("name", [*YES, *NO, *HOSTILE])
def test_name(name: str) -> None:
    if name in YES or name in NO:
        assert is_dockerfile(name) == (name in YES)
    for folder in ("", "a/", "deep/er/and deeper/", "Dockerfile/", "x.dockerignore/", "my.venv/", "a\nb/"):
        assert bool(NAMES.search(folder + name)) == is_dockerfile(name), folder


def test_directory_is_no_dockerfile() -> None:
    assert not NAMES.search("Dockerfile/main.go")
    assert not NAMES.search("Dockerfile.d/README")


def test_places_that_nobody_looks_into(tmp_path: Path) -> None:
    folders = ["", "node_modules", "a/.venv", "a/venv/b", "__pycache__", ".git", ".svn/x", ".hg", "vendor", "a/env"]
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "Dockerfile").touch()
    found = {Path(path).relative_to(tmp_path).as_posix() for path in Places().below(str(tmp_path))}
    assert found == {"Dockerfile", "vendor/Dockerfile", "a/env/Dockerfile"}
    assert {path for folder in folders if NAMES.search(path := f"{folder}/Dockerfile".lstrip("/"))} == found


def test_fixtures() -> None:
    names = {path.name for path in (ROOT / "fixtures").rglob("*") if path.is_file()}
    assert {name for name in names if NAMES.search(name)} == {name for name in names if is_dockerfile(name)}
    assert "Dockerfile.dockerignore" in names


def test_hooks() -> None:
    assert set(HOOKS) == {"dockerlayer", "dockerlayer-fix", "dockerlayer-context"}
    assert HOOKS["dockerlayer-fix"]["files"] == HOOKS["dockerlayer"]["files"]
    for hook in HOOKS.values():
        # The user's own `exclude` replaces that of a hook.
        assert "exclude" not in hook
        assert "commit-msg" not in hook["stages"]
    # Against what is pushed a comparison with HEAD would always find nothing.
    assert "pre-push" not in HOOKS["dockerlayer-context"]["stages"]
