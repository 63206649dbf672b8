"""How a pip install becomes a download and an offline install, and when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from pip_case import HASH, PYPROJECT, case, only, rewritten


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ("RUN pip install --platform any -r requirements.txt", "untried-option"),
        ("RUN pip install --no-such-option -r requirements.txt", "untried-option"),
        ("ENV PIP_TARGET=/x\nRUN pip install -r requirements.txt", "untried-setting"),
        ("RUN pip install -f ./x -r requirements.txt", "other-sources"),
        ("RUN pip install -e git+https://x/y#egg=y -r requirements.txt", "vcs-requirement"),
        ("RUN --mount=type=tmpfs,target=/tmp pip install -r requirements.txt", "mounted-tmp"),
        ("WORKDIR /tmp\nCOPY . .\nRUN pip install -r requirements.txt", "project-in-tmp"),
        ("RUN pip install torch && pip install -r requirements.txt", "installed-before"),
        ("RUN uv pip install --system torch\nRUN pip install -r requirements.txt", "installed-before"),
        ("RUN /usr/bin/pip3 install -r requirements.txt", "unknown-base"),
        ("RUN env A=b pip install -r requirements.txt", "wrapped"),
        ('RUN sh -c "pip install -r requirements.txt"', "odd-words"),
        ('RUN ["pip", "install", "-r", "requirements.txt"]', "odd-words"),
    ],
)
def test_no_split(tmp_path: Path, run: str, reason: str) -> None:
    fetch = case(tmp_path, run).fetches[-1]
    assert fetch.blocked is None
    assert fetch.split is None
    assert fetch.no_split is not None
    assert fetch.no_split.code == reason


@pytest.mark.parametrize(
    "image", ["debian:12", "pytorch/pytorch", "nvcr.io/nvidia/python:3", "mypython:3", "python-slim", "$IMAGE"]
)
def test_no_split_on_other_images(tmp_path: Path, image: str) -> None:
    fetch = only(case(tmp_path, "RUN pip install -r requirements.txt", image=image))
    assert fetch.no_split is not None
    assert fetch.no_split.code == "unknown-base"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("git+https://example.org/x@main\n", "vcs-requirement"),
        ("x${PY}==1\n", "variable-in-requirements"),
        ("--find-links https://example.org\nflask\n", "other-sources"),
        (f"a==1 {HASH}\nb==1\n", "hashes"),
    ],
)
def test_no_split_of_some_files(tmp_path: Path, content: str, reason: str) -> None:
    fetch = only(case(tmp_path, "RUN pip install -r requirements.txt", {"requirements.txt": content}))
    assert (fetch.blocked, fetch.split) == (None, None)
    assert fetch.no_split is not None
    assert fetch.no_split.code == reason


@pytest.mark.parametrize("image", ["python", "python:3.9-slim", "docker.io/library/python:3", "python:3@sha256:00"])
def test_official_images(tmp_path: Path, image: str) -> None:
    assert only(case(tmp_path, "RUN pip install -r requirements.txt", image=image)).split is not None


OFFLINE = "--no-index --find-links /tmp/wheels"


@pytest.mark.parametrize(
    ("run", "download", "install"),
    [
        (
            "pip install -r requirements.txt",
            "pip wheel --wheel-dir /tmp/wheels -r requirements.txt",
            f"pip install {OFFLINE} -r requirements.txt",
        ),
        (
            "python3 -I -m pip install --user -U --no-cache-dir -r requirements.txt 'gunicorn>=21'",
            "python3 -I -m pip wheel --wheel-dir /tmp/wheels --no-cache-dir -r requirements.txt 'gunicorn>=21'",
            f"python3 -I -m pip install {OFFLINE} --user -U --no-cache-dir -r requirements.txt 'gunicorn>=21'",
        ),
        (
            "pip -q install -Ur requirements.txt --upgrade-strategy eager",
            "pip -q wheel --wheel-dir /tmp/wheels --requirement requirements.txt",
            f"pip -q install {OFFLINE} -Ur requirements.txt --upgrade-strategy eager",
        ),
        (
            'CFLAGS="-O2 $X" pip install -r requirements.txt -i "$INDEX"',
            'CFLAGS="-O2 $X" pip wheel --wheel-dir /tmp/wheels -r requirements.txt -i "$INDEX"',
            f'CFLAGS="-O2 $X" pip install {OFFLINE} -r requirements.txt -i "$INDEX"',
        ),
        (
            "pip install -r requirements.txt uvicorn[standard] > /tmp/log",
            "pip wheel --wheel-dir /tmp/wheels -r requirements.txt uvicorn[standard]",
            f"pip install {OFFLINE} -r requirements.txt uvicorn[standard] > /tmp/log",
        ),
    ],
)
def test_split(tmp_path: Path, run: str, download: str, install: str) -> None:
    assert rewritten(case(tmp_path, f"RUN {run}")) == (download, f"RUN {install}")


def test_old_pip_in_a_virtualenv_builds_without_wheel(tmp_path: Path) -> None:
    run = "ENV PATH=/opt/venv/bin:$PATH\nRUN pip install -r requirements.txt"
    assert "wheel --use-pep517 " in rewritten(case(tmp_path, run, image="python:3.10"))[0]
    assert "--use-pep517" not in rewritten(case(tmp_path, run, image="python:3.12"))[0]


def test_two_downloads_do_not_share_a_directory(tmp_path: Path) -> None:
    run = "RUN pip install -r requirements.txt\nRUN pip install -r dev.txt"
    one, two = case(tmp_path, run, {"dev.txt": "pytest\n"}).fetches
    assert one.split is not None
    assert two.split is not None
    assert "--wheel-dir /tmp/wheels " in one.split.download
    assert "--wheel-dir /tmp/wheels-2 " in two.split.download
    again = "RUN pip wheel -w /tmp/wheels -r requirements.txt\nRUN pip install -r requirements.txt"
    assert "--wheel-dir /tmp/wheels-2 " in rewritten(case(tmp_path, again))[0]


def test_upgrading_pip_first_does_not_matter(tmp_path: Path) -> None:
    assert rewritten(case(tmp_path, "RUN pip install -U pip wheel\nRUN pip install -r requirements.txt"))


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (f"flask==3 {HASH}\n", ""),
        (f"flask==3 \\\n  {HASH} \\\n  {HASH}\n", " --require-hashes"),
        ("flask @ https://example.org/flask-3.whl\n", ""),
        ("--no-binary docopt\ndocopt==0.6.2\n", ""),
    ],
)
def test_what_is_not_found_again_by_name_is_not_split(tmp_path: Path, content: str, options: str) -> None:
    run = f"RUN pip install -r requirements.txt{options}"
    fetch = only(case(tmp_path, run, {"requirements.txt": content}))
    assert fetch.split is None
    assert fetch.blocked is None
    assert fetch.no_split is not None
    assert fetch.no_split.code in {"hashes", "not-found-by-name"}


# pip install .


@pytest.mark.parametrize(
    ("command", "count"),
    [("pip install .", 2), ("pip install -e .", 2), ('pip install ".[web]"', 3), ("pip install --no-deps .", 1),
     ("pip install /app", 2), ("pip install --editable=.[web]", 3), ("pip wheel .", 2)],
)  # fmt: skip
def test_projects(tmp_path: Path, command: str, count: int) -> None:
    fetch = only(case(tmp_path, f"RUN {command}", {"pyproject.toml": PYPROJECT}))
    assert (fetch.kind, fetch.directory, fetch.needs, fetch.count) == ("build", "/app", ("pyproject.toml",), count)
    assert fetch.blocked is None


def test_project_in_a_directory(tmp_path: Path) -> None:
    found = case(tmp_path, "RUN pip install ./lib", {"lib/pyproject.toml": PYPROJECT})
    fetch = only(found)
    assert (fetch.directory, fetch.origin, fetch.needs) == ("/app/lib", "lib", ("pyproject.toml",))
    assert "open('lib/pyproject.toml', 'rb')" in rewritten(found)[0]


def test_project_split(tmp_path: Path) -> None:
    run = 'RUN pip install --no-cache-dir -e ".[web]"'
    download, install = rewritten(case(tmp_path, run, {"pyproject.toml": PYPROJECT}))
    assert download == (
        """python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb')); """
        """print(*p.get('build-system', {}).get('requires', ['setuptools']), 'editables~=0.3', sep='\\n', """
        """file=open('/tmp/wheels-build.txt', 'w')); """
        """print(*p['project'].get('dependencies', []), *p['project']['optional-dependencies']['web'], sep='\\n', """
        """file=open('/tmp/wheels-deps.txt', 'w'))" """
        "&& pip wheel --wheel-dir /tmp/wheels --no-cache-dir -r /tmp/wheels-build.txt "
        "&& pip wheel --wheel-dir /tmp/wheels --no-cache-dir -r /tmp/wheels-deps.txt"
    )
    assert install == f'RUN pip install {OFFLINE} --no-cache-dir -e ".[web]"'


SETUPTOOLS = '[project]\nname = "app"\nversion = "1"\n'


@pytest.mark.parametrize(
    ("files", "reason", "count"),
    [
        ({"pyproject.toml": SETUPTOOLS + 'dynamic = ["dependencies"]\n'}, "dynamic-dependencies", None),
        ({"pyproject.toml": "[tool.poetry.dependencies]\npython = '*'\na = '1'\n"}, "poetry-dependencies", 1),
        ({"pyproject.toml": "[project"}, "broken-dependencies", None),
        ({"pyproject.toml": b"\xff\xfe\x00"}, "broken-dependencies", None),
        (
            {"setup.py": "from setuptools import setup\nsetup(install_requires=['a', 'b'])\n"},
            "setup-py-dependencies",
            2,
        ),
        ({"setup.py": "from setuptools import setup\nsetup(install_requires=f())\n"}, "setup-py-dependencies", None),
        ({"setup.cfg": "[options]\ninstall_requires =\n  a\n  b>=2\n", "setup.py": ""}, "setup-cfg-dependencies", 2),
        ({"pyproject.toml": SETUPTOOLS + 'dependencies = ["a @ https://x/y.whl"]\n'}, "odd-dependency", 1),
        ({"pyproject.toml": PYPROJECT.replace("hatchling", "maturin")}, "build-backend", 2),
        ({"pyproject.toml": PYPROJECT.replace("[project]", 'backend-path = ["."]\n[project]')}, "build-backend", 2),
        ({"pyproject.toml": PYPROJECT + "[tool.hatch.build.hooks.custom]\n"}, "build-backend", 2),
        ({"pyproject.toml": SETUPTOOLS, "setup.py": "setup(setup_requires=['x'])"}, "build-backend", 0),
    ],
)
def test_projects_that_cannot_be_split(
    tmp_path: Path, files: dict[str, str | bytes], reason: str, count: int | None
) -> None:
    fetch = only(case(tmp_path, "RUN pip install .", files))
    assert (fetch.kind, fetch.split, fetch.count, fetch.blocked) == ("build", None, count, None)
    assert fetch.no_split is not None
    assert fetch.no_split.code == reason


@pytest.mark.parametrize(
    ("command", "image", "reason"),
    [
        ("pip install .[nope]", "python:3.12", "unknown-extra"),
        ("pip install .", "python:3.10", "old-python"),
        ("pip install .", "python:$V", "old-python"),
        ("pip install .", "debian", "unknown-base"),
        ("pip install --no-deps .", "python:3.12", "partial-install"),
        ("pip wheel .", "python:3.12", "partial-install"),
    ],
)
def test_places_where_projects_cannot_be_split(tmp_path: Path, command: str, image: str, reason: str) -> None:
    fetch = only(case(tmp_path, f"RUN {command}", {"pyproject.toml": PYPROJECT}, image=image))
    assert fetch.no_split is not None
    assert fetch.no_split.code == reason


def test_no_project(tmp_path: Path) -> None:
    fetch = only(case(tmp_path, "RUN pip install ."))
    assert fetch.blocked is not None
    assert fetch.blocked.code == "not-in-context"


# Effects.
