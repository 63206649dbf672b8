"""pip: which cache a command has, what it leaves, whether it asks the index, and what defeats a cache mount."""

from __future__ import annotations

from pathlib import Path

import pytest
from py_use_case import UseCase

from dockerlayer_rules.pip import ecosystem

FILES: dict[str, str | bytes] = {"requirements.txt": "six==1.16.0\n", "dev.in": "six\n", "dev.txt": "six==1.16.0\n"}
CACHE = "/root/.cache/pip"
SITE = "/usr/local/lib/python3.13/site-packages"


@pytest.fixture
def case(tmp_path: Path) -> UseCase:
    return UseCase(tmp_path, ecosystem, FILES)


@pytest.mark.parametrize(
    ("run", "steps", "stores"),
    [
        ("pip install six", "", (CACHE,)),
        ("pip3.13 install -r requirements.txt", "", (CACHE,)),
        ("python -m pip install six", "", (CACHE,)),
        ("pip wheel -w /w six", "", (CACHE,)),
        ("pip download -d /w six", "", (CACHE,)),
        ("pip install --cache-dir /c six", "", ("/c",)),
        ("pip install --cache-dir=c six", "", ("/app/c",)),
        ("pip install six", "ENV PIP_CACHE_DIR=/c\n", ("/c",)),
        ("PIP_CACHE_DIR=/c pip install six", "", ("/c",)),
        ("pip install six", "ENV XDG_CACHE_HOME=/x\n", ("/x/pip",)),
        ("pip install --cache-dir /d six", "ENV PIP_CACHE_DIR=/c\n", ("/d",)),
        ("pip install six", "ENV HOME=/h\n", ("/h/.cache/pip",)),
        ("pip install six", "USER app\n", ()),
        ("pip install six", "USER 1000\n", ()),
        ("pip install six", "RUN useradd -m app\nUSER app\n", ("/home/app/.cache/pip",)),
        ("pip install six", "RUN useradd --home-dir /srv/app app\nUSER app\n", ("/srv/app/.cache/pip",)),
        ("pip install six", "RUN useradd -u 1000 -s /bin/sh app\nUSER 1000\n", ("/home/app/.cache/pip",)),
        ("pip install six", "RUN adduser --disabled-password --gecos '' app\nUSER app\n", ("/home/app/.cache/pip",)),
        ("pip install six", "RUN adduser --system app\nUSER app\n", ()),
        ("pip install six", "RUN pip config set global.cache-dir /c\n", ()),
        ("pip install six", "COPY pip.conf /etc/pip.conf\n", (CACHE,)),
        ("sudo pip install six", "USER app\n", ()),
        ("pip install --cache-dir $C six", "", ()),
    ],
)
def test_the_cache_of_a_command(case: UseCase, run: str, steps: str, stores: tuple[str, ...]) -> None:
    found = case.use(run, steps)
    assert found is not None
    assert found.stores == stores
    assert (found.fills, found.takes, found.offline) == (True, False, "")


@pytest.mark.parametrize("image", ["$BASE", "registry.example.com/team/python", "team/python:3.13"])
def test_nothing_is_said_of_the_home_of_an_unknown_image(case: UseCase, image: str) -> None:
    found = case.use("pip install six", image=image)
    assert found is not None
    assert found.stores == ()


@pytest.mark.parametrize(
    "run",
    [
        "pip list",
        "pip install",
        "pip cache purge",
        "python app.py",
        "pip install --dry-run six",
        "a || pip install six",
    ],
)
def test_what_is_not_about_packages(case: UseCase, run: str) -> None:
    assert case.use(run) is None


@pytest.mark.parametrize(
    ("run", "leaves"),
    [
        ("pip install six", (SITE,)),
        ("/opt/venv/bin/pip install six", ("/opt/venv",)),
        ("pip install --target /t six", ("/t",)),
        ("pip install --user six", ("/root/.local",)),
        ("pip wheel six", ("/app",)),
        ("pip wheel -w /w six", ("/w",)),
        ("pip download --dest /w six", ("/w",)),
    ],
)
def test_what_a_command_leaves(case: UseCase, run: str, leaves: tuple[str, ...]) -> None:
    found = case.use(run)
    assert found is not None
    assert found.leaves == leaves


@pytest.mark.parametrize(
    ("run", "steps", "stores", "offline", "online"),
    [
        (
            "pip install --no-index --find-links /w six",
            "",
            ("/w",),
            "--no-index",
            "pip install --find-links /w six",
        ),
        ("pip install --no-index -f w -r requirements.txt", "", ("/app/w",), "--no-index",
         "pip install -f w -r requirements.txt"),
        ("pip install --no-index /w/*.whl", "", ("/w",), "--no-index", "pip install /w/*.whl"),
        ("PIP_NO_INDEX=1 PIP_FIND_LINKS=/w pip install six", "", ("/w",), "PIP_NO_INDEX=1",
         "PIP_NO_INDEX=0 PIP_FIND_LINKS=/w pip install six"),
        ("pip install six", "ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/w\n", ("/w",), "PIP_NO_INDEX=1",
         "PIP_NO_INDEX=0 pip install six"),
        ("pip install --no-deps /w/*.whl", "", ("/w",), "/w/*.whl --no-deps", None),
        ("pip install /w/*", "", ("/w",), "", None),
        ("--network=none pip install --find-links /w six", "", ("/w",), "--network=none", None),
    ],
)  # fmt: skip
def test_offline(
    case: UseCase, run: str, steps: str, stores: tuple[str, ...], offline: str, online: str | None
) -> None:
    found = case.use(run, steps)
    assert found is not None
    assert (found.stores, found.fills, found.takes, found.offline) == (stores, False, True, offline)
    assert case.online(run, steps) == online


@pytest.mark.parametrize(
    ("run", "steps", "mended"),
    [
        ("pip install --no-cache-dir six", "", "pip install six"),
        ("pip --no-cache-dir install six", "", "pip install six"),
        ("pip install --no-cache-dir -r requirements.txt && true", "", "pip install -r requirements.txt && true"),
        ("pip install six", "ENV PIP_NO_CACHE_DIR=1\n", "PIP_NO_CACHE_DIR= pip install six"),
        ("pip install six", "ENV PIP_NO_CACHE_DIR=0\n", "PIP_NO_CACHE_DIR= pip install six"),
        ("PIP_NO_CACHE_DIR=off pip install six", "", "PIP_NO_CACHE_DIR= pip install six"),
    ],
)
def test_what_defeats_a_cache_mount(case: UseCase, run: str, steps: str, mended: str) -> None:
    found = case.use(run, steps)
    assert found is not None
    assert case.mended(found.defeated, run, steps) == mended


@pytest.mark.parametrize(
    ("run", "steps"),
    [
        ("pip install six && pip cache purge", ""),
        ("pip install six && rm -rf /root/.cache", ""),
        ("pip install --no-cache-dir six", "ENV PIP_NO_CACHE_DIR=1\n"),
    ],
)
def test_a_defeat_that_is_only_told(case: UseCase, run: str, steps: str) -> None:
    found = case.use(run, steps)
    assert found is not None
    assert found.defeated is not None
    assert not found.defeated.edits


@pytest.mark.parametrize(
    ("run", "steps"),
    [
        ("pip install six", ""),
        ("pip install six", "ENV PIP_NO_CACHE_DIR=\n"),
        ("pip install --no-cache-dir --cache-dir /c six", ""),
        ("pip install --cache-dir /c six", "ENV PIP_NO_CACHE_DIR=1\n"),
        ("pip install six && rm -rf /tmp/x", ""),
    ],
)
def test_what_leaves_the_cache_on(case: UseCase, run: str, steps: str) -> None:
    found = case.use(run, steps)
    assert found is not None
    assert found.defeated is None


WHEEL = "COPY requirements.txt ./\nRUN pip wheel -w /w -r requirements.txt\n"


@pytest.mark.parametrize(
    ("run", "steps", "mended"),
    [
        ("pip install --find-links /w -r requirements.txt", WHEEL,
         "pip install --no-index --find-links /w -r requirements.txt"),
        ("pip install --find-links /w -r requirements.txt", "", None),
        ("pip install --find-links /other -r requirements.txt", WHEEL, None),
        ("pip install --find-links /w -r requirements.txt gunicorn", WHEEL, None),
        ("pip install -r requirements.txt", WHEEL, None),
    ],
)  # fmt: skip
def test_offline_in_name_only(case: UseCase, run: str, steps: str, mended: str | None) -> None:
    found = case.use(run, steps)
    assert found is not None
    assert case.mended(found.nominal, run, steps) == mended


@pytest.mark.parametrize(
    ("run", "steps", "redundant"),
    [
        ("pip install --no-cache-dir -r requirements.txt", WHEEL, True),
        ("pip install -r requirements.txt", WHEEL, False),
        ("pip install --no-cache-dir -r dev.txt", WHEEL, False),
        ("pip install --no-cache-dir --find-links /w -r requirements.txt", WHEEL, False),
    ],
)
def test_redundant(case: UseCase, run: str, steps: str, redundant: bool) -> None:
    found = case.use(run, steps)
    assert found is not None
    assert (found.redundant is not None) is redundant


@pytest.mark.parametrize(
    ("run", "unpinned"),
    [
        ("pip install -r dev.in", True),
        ("pip install -r dev.txt", False),
        ("pip install -r dev.in -c dev.txt", False),
        ("pip install six", False),
    ],
)
def test_unpinned(case: UseCase, run: str, unpinned: bool) -> None:
    found = case.use(run, "COPY . .\n")
    assert found is not None
    assert (found.unpinned is not None) is unpinned
