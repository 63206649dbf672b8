"""What a pip command is read as: what it fetches, and what that needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from pip_case import HASH, PYPROJECT, Case, case, only


@pytest.mark.parametrize(
    "command",
    [
        "pip",
        "pip --version",
        "pip --help",
        "pip install",
        "pip install --help",
        "pip install --no-index --find-links /tmp/wheels -r requirements.txt",
        "pip install --no-index .",
        "pip --no-index install flask",
        "PIP_NO_INDEX=1 pip install flask",
        "export PIP_NO_INDEX=true && pip install flask",
        "pip install --dry-run flask",
        "pip install --no-cache-dir /wheels/*",
        "pip install /wheels/*.whl",
        "pip install /opt/wheels/pip-*",
        "pip install --no-deps --no-build-isolation .",
        "pip list",
        "pip freeze",
        "pip check",
        "pip cache purge",
        "pip config set global.index-url https://example.org/simple",
        "pip uninstall -y flask",
        "python app.py",
        "python setup.py install",
        "python -c 'import pip; install'",
        "python -m venv venv",
        "python -m ensurepip",
        "python -m app install -r requirements.txt",
        "python -",
        "python3",
        "virtualenv venv",
        "pipx install flask",
        "pip-sync requirements.txt",
        "pip-compile requirements.txt",
        "uv pip install -r requirements.txt",
        "echo pip install flask",
        "$PIP install flask",
    ],
)
def test_fetches_nothing(tmp_path: Path, command: str) -> None:
    assert case(tmp_path, f"RUN {command}", {"pyproject.toml": PYPROJECT}).fetches == []


def test_network_none_fetches_nothing(tmp_path: Path) -> None:
    assert case(tmp_path, "RUN --network=none pip install -r requirements.txt").fetches == []


def test_no_index_in_the_environment_or_file(tmp_path: Path) -> None:
    assert case(tmp_path, "ENV PIP_NO_INDEX=1\nRUN pip install -r requirements.txt").fetches == []
    files: dict[str, str | bytes] = {"requirements.txt": "--no-index\n--find-links ./w\nflask\n"}
    assert case(tmp_path, "RUN pip install -r requirements.txt", files).fetches == []


@pytest.mark.parametrize("content", ["", "# flask\n", "--index-url https://example.org\n", "-c requirements.txt\n"])
def test_no_requirements_fetch_nothing(tmp_path: Path, content: str) -> None:
    assert case(tmp_path, "RUN pip install -r requirements.txt", {"requirements.txt": content}).fetches == []


def test_no_index_set_to_false_fetches(tmp_path: Path) -> None:
    assert only(case(tmp_path, "ENV PIP_NO_INDEX=0\nRUN pip install flask")).kind == "tool"


# Tools: named packages.


@pytest.mark.parametrize(
    ("command", "count"),
    [
        ("pip install flask", 1),
        ("pip install flask 'gunicorn==21' uvicorn[standard]", 3),
        ("pip install -U pip", 1),
        ("pip install -qU pip setuptools", 2),
        ("pip install --no-cache --upgrade pip", 1),
        ("pip install --index-url https://example.org/simple flask", 1),
        ("pip install -i https://example.org/simple --trusted-host example.org flask", 1),
        ("pip install -ihttps://example.org/simple flask", 1),
        ("pip install uwsgi==$UWSGI_VERSION", 1),
        ('pip install "poetry==${POETRY_VERSION}"', 1),
        ("pip install git+https://${TOKEN}@github.com/a/b.git", 1),
        ("pip install https://example.org/x-${V}.tar.gz", 1),
        ("pip3 install flask", 1),
        ("pip3.12 install flask", 1),
        ("/opt/venv/bin/pip install flask", 1),
        ("$VIRTUAL_ENV/bin/pip install flask", 1),
        ("python -m pip install flask", 1),
        ("python3 -I -u -m pip install flask", 1),
        ("python3 -W ignore -Im pip install flask", 1),
        ("python3 -mpip install flask", 1),
        ("pypy3 -m pip install flask", 1),
        ("pip -q --no-cache-dir --cache-dir /x install flask", 1),
        ("sudo -H pip install flask", 1),
        ("pip install -- flask", 1),
        ("T='a b'; pip install $T", 2),
    ],
)
def test_tools(tmp_path: Path, command: str, count: int) -> None:
    fetch = only(case(tmp_path, f"RUN {command}"))
    assert (fetch.kind, fetch.count, fetch.needs, fetch.lock, fetch.blocked) == ("tool", count, (), None, None)


@pytest.mark.parametrize(
    "command",
    ["pip install $PACKAGES", "pip install $(cat requirements.txt)", "pip install `cat x`", "pip install $O -r r.txt"],
)
def test_unknown_words_are_refused(tmp_path: Path, command: str) -> None:
    fetch = only(case(tmp_path, f"RUN {command}"))
    assert fetch.blocked is not None
    assert fetch.blocked.code == "unknown-words"
    assert "line 4" in fetch.blocked.message


def test_a_known_variable_may_hold_options(tmp_path: Path) -> None:
    fetch = only(case(tmp_path, 'ENV O="--no-cache-dir -r requirements.txt"\nRUN pip install $O'))
    assert (fetch.kind, fetch.needs, fetch.split) == ("install", ("requirements.txt",), None)


# Requirement files.


@pytest.mark.parametrize(
    "command",
    [
        "pip install -r requirements.txt",
        "pip install -rrequirements.txt",
        "pip install --requirement=requirements.txt",
        "pip install --requirement requirements.txt",
        "pip install -qr requirements.txt",
        "pip install -Ur requirements.txt",
        "pip install -r ./requirements.txt",
        "pip install -r /app/requirements.txt",
        "pip install -r 'requirements.txt'",
        "F=requirements.txt && pip install -r $F",
        "cd /app && pip install -r requirements.txt",
        "cd / && pip install -r app/requirements.txt",
    ],
)
def test_requirement_files(tmp_path: Path, command: str) -> None:
    fetch = only(case(tmp_path, f"RUN {command}", {"sub/x": ""}))
    assert (fetch.kind, fetch.directory, fetch.origin, fetch.needs) == ("install", "/app", "", ("requirements.txt",))
    assert (fetch.count, fetch.blocked) == (1, None)


@pytest.mark.parametrize("command", ["pip install -r ../requirements.txt", "pip install flask", "pip install .."])
def test_a_directory_of_the_source_must_be_there(tmp_path: Path, command: str) -> None:
    files: dict[str, str | bytes] = {"sub/x.py": "", "pyproject.toml": PYPROJECT}
    fetch = only(case(tmp_path, f"RUN cd sub && {command}", files))
    assert fetch.blocked is not None
    assert fetch.blocked.code == "directory-from-source"
    assert only(case(tmp_path, "RUN cd sub && pip install .", {"sub/pyproject.toml": PYPROJECT})).blocked is None


def test_closure_is_relative_to_the_including_file(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "requirements.txt": "-r reqs/base.txt\nflask\n",
        "reqs/base.txt": "-c c.txt\n-r ../more.txt  # comment\nclick \\\n  >=8\n",
        "reqs/c.txt": "click==8.1\n",
        "c.txt": "",
        "more.txt": "--requirement=requirements.txt\ndjango ; python_version > '3'\n\n# six\n",
    }
    fetch = only(case(tmp_path, "RUN pip install -r requirements.txt", files))
    assert set(fetch.needs) == {"requirements.txt", "reqs/base.txt", "reqs/c.txt", "more.txt"}
    assert fetch.count == 3
    assert fetch.lock is not None
    assert fetch.lock.state == "ok"


@pytest.mark.parametrize(
    ("dockerfile", "place"),
    [
        ("COPY requirements.txt /tmp/\nRUN pip install -r /tmp/requirements.txt", ("/tmp", "", "requirements.txt")),
        ("COPY requirements.txt /tmp/r.txt\nRUN pip install -r /tmp/r.txt", None),
        ("COPY reqs /reqs\nRUN pip install -r ../reqs/a.txt", ("/reqs", "reqs", "a.txt")),
        ("COPY reqs ./reqs\nRUN pip install -r reqs/a.txt", ("/app", "", "reqs/a.txt")),
        ("COPY reqs/a.txt ./\nRUN pip install -r a.txt", ("/app", "reqs", "a.txt")),
        ("WORKDIR /\nCOPY . .\nRUN pip install -r reqs/a.txt", ("/", "", "reqs/a.txt")),
    ],
)
def test_places(tmp_path: Path, dockerfile: str, place: tuple[str, str, str] | None) -> None:
    files: dict[str, str | bytes] = {"requirements.txt": "flask\n", "reqs/a.txt": "flask\n"}
    fetch = only(Case(tmp_path, f"FROM python:3.12\nWORKDIR /app\n{dockerfile}\n", files))
    if place is None:
        assert fetch.blocked is not None
        assert fetch.blocked.code == "scattered-files"
    else:
        assert (fetch.directory, fetch.origin, *fetch.needs) == place
        assert fetch.blocked is None


def test_no_workdir(tmp_path: Path) -> None:
    text = "FROM python:3.12\nCOPY . .\nRUN pip install -r requirements.txt\n"
    fetch = only(Case(tmp_path, text, {"requirements.txt": "flask\n"}))
    assert (fetch.origin, fetch.needs, fetch.blocked) == ("", ("requirements.txt",), None)


def test_a_bind_mounted_file_needs_no_copy(tmp_path: Path) -> None:
    mount = "--mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt"
    fetch = only(case(tmp_path, f"RUN {mount} pip install -r /tmp/requirements.txt"))
    assert (fetch.needs, fetch.blocked, fetch.count) == ((), None, 1)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"requirements.txt": "-r nope.txt\n"},
            "nope.txt is not in the build context (named in requirements.txt line 1)",
        ),
        ({"requirements.txt": "a\n-c ../up.txt\n"}, "(named in requirements.txt line 2)"),
        ({".dockerignore": "*.txt\n"}, "requirements.txt is not in the build context"),
    ],
)
def test_missing_files_are_refused(tmp_path: Path, files: dict[str, str | bytes], message: str) -> None:
    fetch = only(case(tmp_path, "RUN pip install -r requirements.txt", files))
    assert fetch.blocked is not None
    assert fetch.blocked.code == "not-in-context"
    assert message in fetch.blocked.message
    assert fetch.count is None


def test_an_ignored_file_is_told(tmp_path: Path) -> None:
    lock = only(case(tmp_path, "RUN pip install -r requirements.txt", {".dockerignore": "*.txt\n"})).lock
    assert lock is not None
    assert (lock.state, lock.lockfile) == ("hidden", "requirements.txt")


def test_a_url_is_narrow_but_never_split(tmp_path: Path) -> None:
    fetch = only(case(tmp_path, "RUN pip install -r requirements.txt -c https://example.org/c.txt"))
    assert (fetch.needs, fetch.blocked, fetch.count, fetch.lock) == (("requirements.txt",), None, None, None)
    assert fetch.no_split is not None
    assert fetch.no_split.code == "remote-requirements"


@pytest.mark.parametrize("line", ["-e .", "./libs/foo", "-e ./x", "foo @ file:///x", "libs/foo[bar]", "./gone.whl"])
def test_local_paths_are_refused_with_their_line(tmp_path: Path, line: str) -> None:
    files: dict[str, str | bytes] = {"requirements.txt": f"flask\n\n{line}\n", "libs/foo/setup.py": ""}
    fetch = only(case(tmp_path, "RUN pip install -r requirements.txt", files))
    assert fetch.blocked is not None
    assert fetch.blocked.code == "local-path"
    assert "requirements.txt line 3" in fetch.blocked.message


@pytest.mark.parametrize("command", ["pip install -r requirements.txt .", "pip install -r requirements.txt -e ./sub"])
def test_a_project_beside_a_file_is_refused(tmp_path: Path, command: str) -> None:
    fetch = only(case(tmp_path, f"RUN {command}"))
    assert fetch.blocked is not None
    assert fetch.blocked.code == "local-path"


def test_local_wheels_and_find_links_are_needed(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "requirements.txt": "--find-links vendor\n./w/a-1-py3-none-any.whl\nflask\n",
        "vendor/x.whl": "",
        "w/a-1-py3-none-any.whl": "",
    }
    fetch = only(case(tmp_path, "RUN pip install -r requirements.txt", files))
    assert set(fetch.needs) == {"requirements.txt", "vendor", "w/a-1-py3-none-any.whl"}
    assert fetch.blocked is None
    assert fetch.split is None


def test_constraints_of_the_environment(tmp_path: Path) -> None:
    fetch = only(case(tmp_path, "ENV PIP_CONSTRAINT=c.txt\nRUN pip install flask", {"c.txt": "flask==3\n"}))
    assert (fetch.kind, fetch.needs, fetch.count) == ("install", ("c.txt",), 1)


@pytest.mark.parametrize(
    ("content", "state"),
    [
        ("flask\nclick>=8\n", "missing"),
        ("flask==2.*\n", "missing"),
        ("flask\nclick==8.1\n", "ok"),
        ("flask===3.0\n", "ok"),
        (f"flask>=3 {HASH}\n", "ok"),
        ("flask @ https://example.org/flask-3.whl\n", "ok"),
        ("git+https://example.org/x@0123456789abcdef\n", "ok"),
        ("git+https://example.org/x@main\n", "missing"),
        ("flask\n-c c.txt\n", "ok"),
    ],
)
def test_what_pins(tmp_path: Path, content: str, state: str | None) -> None:
    files: dict[str, str | bytes] = {"requirements.txt": content, "c.txt": "click<9\n"}
    lock = only(case(tmp_path, "RUN pip install -r requirements.txt", files)).lock
    assert (lock.state if lock else None) == state


@pytest.mark.parametrize(
    ("run", "writes"),
    [
        ("RUN pip install -t lib -r requirements.txt", ("/app/lib",)),
        ("RUN pip install --target=/app/lib -r requirements.txt", ("/app/lib",)),
        ("RUN pip install -t $X -r requirements.txt", ("/",)),
        ("RUN venv/bin/pip install -r requirements.txt", ("/app/venv",)),
        ("ENV VIRTUAL_ENV=/app/.venv\nRUN pip install -r requirements.txt", ("/app/.venv",)),
        ("ENV PATH=/app/.venv/bin:$PATH\nRUN pip install -r requirements.txt", ("/app/.venv",)),
        ("RUN . .venv/bin/activate && pip install -r requirements.txt", ("/app/.venv",)),
        ("USER 1000:1000\nENV HOME=/app\nRUN pip install -r requirements.txt", ("/app/.local",)),
        ("USER root:root\nRUN pip install -r requirements.txt", ()),
        ("USER app\nRUN pip install -r requirements.txt", ("/home/app/.local",)),
        ("RUN pip wheel -w wheels -r requirements.txt", ("/app/wheels",)),
        ("RUN pip download -r requirements.txt", ("/app",)),
        ("RUN pip install -r requirements.txt", ()),
    ],
)
def test_writes(tmp_path: Path, run: str, writes: tuple[str, ...]) -> None:
    assert only(case(tmp_path, run)).writes == writes


def test_a_checkout_is_written_into_the_project(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"requirements.txt": "-e git+https://example.org/x#egg=x\n"}
    fetch = only(case(tmp_path, "RUN pip install -r requirements.txt", files))
    assert fetch.writes == ("/app/src",)
    assert fetch.no_split is not None
    assert fetch.no_split.code == "vcs-requirement"


@pytest.mark.parametrize("verb", ["wheel", "download"])
def test_downloads(tmp_path: Path, verb: str) -> None:
    fetch = only(case(tmp_path, f"RUN pip {verb} -r requirements.txt -d /w"))
    assert (fetch.kind, fetch.needs, fetch.split, fetch.blocked) == ("download", ("requirements.txt",), None, None)


# The split.
