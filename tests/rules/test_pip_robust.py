"""Effects, the rule about pip download, and files that hold anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from pip_case import Case, case, only

from dockerlayer.findings import apply
from dockerlayer.model.effects import EVERYTHING, Effect
from dockerlayer_rules import _pyproject, _requirements
from dockerlayer_rules.pip import check_download, ecosystem


@pytest.mark.parametrize(
    "command", ["python app.py", "python -c 'x'", "python -m app", "pip freeze > x", "pip install --no-index ."]
)
def test_unknown_effects(tmp_path: Path, command: str) -> None:
    assert case(tmp_path, f"RUN {command}").effects == [None]


@pytest.mark.parametrize(
    ("command", "reads", "writes"),
    [
        ("pip list", False, False),
        ("pip cache purge 2>/dev/null", False, False),
        ("python --version 2>&1", False, False),
        ("python -m venv /opt/venv", False, False),
        ("python -m venv --prompt x venv", False, False),
        ("python -m venv src", False, True),
        ("pip install --no-index --find-links /tmp/wheels -r requirements.txt", True, False),
        ("pip install --no-index --find-links /tmp/wheels flask", False, False),
        ("pip install --no-index --no-deps /tmp/wheels/*.whl", False, False),
    ],
)
def test_effects(tmp_path: Path, command: str, reads: bool, writes: bool) -> None:
    (effect,) = case(tmp_path, f"RUN {command}").effects
    assert effect is not None
    assert effect != EVERYTHING
    assert effect.commutes(Effect(writes=("/app/requirements.txt",))) is not reads
    assert effect.commutes(Effect(writes=("/app/src/app.py",))) is not writes


@pytest.mark.parametrize(
    ("target", "cached"),
    [
        ("/root/.cache/pip", True),
        ("/root/.cache", True),
        ("/home/app/.cache/pip/", True),
        ("/var/cache/pip", True),
        ("/pip-cache", True),
        ("/var/cache/apt", False),
        ("/tmp", False),
        ("/anywhere/else", True),
    ],
)
def test_cache_mounts(tmp_path: Path, target: str, cached: bool) -> None:
    found = case(tmp_path, f"RUN --mount=type=cache,target={target} pip install flask")
    assert ecosystem.cached_by(found.fetches[0].call.step) is cached


# The rule.


@pytest.mark.parametrize(
    "command",
    ["pip wheel flask", "pip install flask", "pip download --only-binary=:all: flask", "pip download --no-index flask"],
)
def test_download_is_complete(tmp_path: Path, command: str) -> None:
    assert _findings(case(tmp_path, f"RUN {command}")) == []


@pytest.mark.parametrize(
    ("command", "fixed"),
    [
        ("pip download -d /w flask", "pip wheel -w /w flask"),
        ("pip download -d/w -q flask", "pip wheel -w/w -q flask"),
        ("python -m pip download --dest=/w -r x", "python -m pip wheel --wheel-dir=/w -r x"),
        ("pip download --platform any -d /w flask", None),
        ("pip download --no-binary :all: flask", None),
    ],
)
def test_download_is_incomplete(tmp_path: Path, command: str, fixed: str | None) -> None:
    found = case(tmp_path, f"RUN {command}")
    (result,) = _findings(found)
    assert result == (None if fixed is None else f"RUN {fixed}")


def _findings(found: Case) -> list[str | None]:
    analysis = found.survey.analysis
    results: list[str | None] = []
    for step in analysis.build.steps():
        for call in analysis.run(step).calls if step.name == "run" else ():
            for finding in check_download(call, analysis.scene(step)):
                text = apply(found.data, finding.fix.edits).decode() if finding.fix else None
                results.append(text.rstrip().rpartition("\n")[2] if text else None)
    return results


# Whatever a file holds.

_DEEP = 20_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xef\xbb\xbfflask\r\nclick\r\n",
        "\ufeffflask\nclick\n".encode("utf-16-le"),
        "\ufeffflask\nclick\n".encode("utf-32-be"),
        b"\x00\xff\xfe\n",
        b"flask\\",
        b"-r\n-c\n-e\n--hash\n-\n--\n-r requirements.txt\n-e 'unclosed\n",
        b"a" + b" " * 200_000 + b"b @",
        b"[" * 100_000,
        b"x\\\n" * 50_000,
        b"\n" * (5 * 1024 * 1024),
    ],
)
def test_any_requirements_file(tmp_path: Path, content: bytes) -> None:
    assert len(case(tmp_path, "RUN pip install -r requirements.txt", {"requirements.txt": content}).fetches) < 2


def test_encodings(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        content = "\ufeffflask\nclick\n".encode(encoding)
        assert only(case(tmp_path, "RUN pip install -r requirements.txt", {"requirements.txt": content})).count == 2


def test_a_long_chain_of_files(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"r{at}.txt": f"flask\n-r r{(at + 1) % 2000}.txt\n" for at in range(2000)}
    assert len(only(case(tmp_path, "RUN pip install -r r0.txt", files)).needs) == 2000


@pytest.mark.parametrize(
    "source",
    [
        "x = " + "(" * _DEEP + ")" * _DEEP,
        "x = " + "-" * _DEEP + "1",
        "x = a" + ".b" * _DEEP,
        "if a:\n  b\n" + "elif a:\n  b\n" * (_DEEP // 8),
        "print 'python 2'",
        "install_requires = \x00",
        "setup(install_requires='\\d')",
    ],
)
def test_any_setup_py(source: str) -> None:
    assert _pyproject.install_requires(f"# install_requires\n{source}\n".encode()) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("setup(install_requires=['a>=1', 'b'])", ("a>=1", "b")),
        ("import setuptools\nR = ['a']\nif True:\n    setuptools.setup(name='x', install_requires=R)", ("a",)),
        ("setup(install_requires=('a',))", ("a",)),
        ("setup(install_requires=['a' 'b'])", ("ab",)),
        ("setup(install_requires=[*x])", None),
        ("setup(install_requires=open('r').read())", None),
        ("other(install_requires=['a'])", None),
        ("setup(name='install_requires')", None),
    ],
)
def test_setup_py(source: str, expected: tuple[str, ...] | None) -> None:
    assert _pyproject.install_requires(source.encode()) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("flask", "named"),
        ("flask[async]>=2,<3 ; python_version > '3'", "named"),
        ("git+https://x/y", "vcs"),
        ("y @ git+ssh://git@x/y@main", "vcs"),
        ("https://x/y.whl", "url"),
        ("y@https://x/y.zip", "url"),
        (".", "local"),
        (".[dev]", "local"),
        ("./x", "local"),
        ("x/y", "local"),
        ("file:///x", "local"),
        ("y @ file:///x.whl", "local"),
        ("x-1-py3-none-any.whl", "archive"),
        ("./x.tar.gz", "archive"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert _requirements.kind_of(text) == kind
