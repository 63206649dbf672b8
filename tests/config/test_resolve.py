"""From files on disk to what is in force for a Dockerfile, and what is said of files that are of no use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dockerlayer.config.configuration import Configuration
from dockerlayer.config.find import Finder
from dockerlayer.config.kinds import Known
from dockerlayer.config.resolve import Resolver
from dockerlayer.errors import ConfigError, UsageError

RULES = ("invalid-dockerfile", "wide-copy", "no-lockfile", "odd-mount", "rare-thing")
KNOWN = Known(RULES, ("fake", "other"), ("split", "narrow"))
EVERY = frozenset(RULES)
DEFAULT = EVERY - {"rare-thing"}
ALWAYS = frozenset({"invalid-dockerfile"})

Files = Mapping[str, str | bytes]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(files: Files) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def load(directory: str = ".", *config: str, isolated: bool = False) -> Configuration:
    return Resolver(KNOWN, Finder(), config, isolated).configuration(os.path.abspath(directory))


def chosen(found: Configuration) -> frozenset[str]:
    return found.rules(EVERY, DEFAULT, ALWAYS)


def error(directory: str = ".", *config: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(directory, *config)
    return str(caught.value)


@pytest.mark.parametrize(
    ("files", "directory", "expected"),
    [
        ({}, ".", None),
        ({"dockerlayer.toml": "baseline = 'x'"}, "a/b", "x"),
        ({"dockerlayer.toml": "baseline = 'x'", "a/dockerlayer.toml": "baseline = 'y'"}, "a/b", "a/y"),
        ({"dockerlayer.toml": "baseline = 'x'", "a/dockerlayer.toml": ""}, "a/b", None),
        ({"dockerlayer.toml": "baseline = 'x'", ".dockerlayer.toml": "baseline = 'y'"}, ".", "y"),
        ({"pyproject.toml": "[tool.dockerlayer]\nbaseline = 'p'", "dockerlayer.toml": "baseline = 'x'"}, ".", "x"),
        ({"pyproject.toml": "[tool.dockerlayer]\nbaseline = 'p'"}, "a", "p"),
        ({"dockerlayer.toml": "baseline = 'x'", "a/pyproject.toml": "[tool.ruff]"}, "a", "x"),
        ({"dockerlayer.toml": "baseline = 'x'", "a/pyproject.toml": "[project]\nname = 'dockerlayer'"}, "a", "x"),
        ({"dockerlayer.toml": "baseline = 'x'", "a/pyproject.toml": "[tool.dockerlayer]"}, "a", None),
        ({"dockerlayer.toml": "baseline = 'x'", "a/pyproject.toml": "[broken and not ours"}, "a", "x"),
        ({"dockerlayer.toml": b"\xef\xbb\xbfbaseline = 'x'\r\n# \r\n"}, ".", "x"),
        ({"dockerlayer.toml": b"# " + b"x" * 5_000_000 + b"\nbaseline = 'x'\n"}, ".", "x"),
    ],
)
def test_nearest_file_counts_alone(root: Path, files: Files, directory: str, expected: str | None) -> None:
    write({**files, f"{directory}/Dockerfile": ""})
    found = load(directory).file("baseline")
    assert found == (None if expected is None else str(root / expected))


def test_each_directory_is_looked_into_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"dockerlayer.toml": ""})
    asked: list[str] = []
    lexists = os.path.lexists
    monkeypatch.setattr("os.path.lexists", lambda path: asked.append(str(path)) or lexists(path))
    finder = Finder()
    for number in range(200):
        assert finder.nearest(str(root / "a" / f"{number % 20}")) == str(root / "dockerlayer.toml")
    assert len(asked) == len(set(asked)) == 2 * 22


@pytest.mark.parametrize(
    ("files", "selected"),
    [
        ({"dockerlayer.toml": ""}, DEFAULT),
        ({"dockerlayer.toml": "select = ['all']"}, EVERY),
        ({"dockerlayer.toml": "select = []"}, ALWAYS),
        ({"dockerlayer.toml": "select = ['odd-mount']"}, ALWAYS | {"odd-mount"}),
        ({"dockerlayer.toml": "extend-select = ['rare-thing']"}, EVERY),
        ({"dockerlayer.toml": "ignore = ['odd-mount', 'invalid-dockerfile']"}, DEFAULT - ALWAYS - {"odd-mount"}),
        ({"dockerlayer.toml": "select = ['all']\nignore = ['odd-mount']"}, EVERY - {"odd-mount"}),
        (
            {"dockerlayer.toml": "extend = 'b.toml'\nignore = ['odd-mount']", "b.toml": "ignore = ['wide-copy']"},
            DEFAULT - {"odd-mount", "wide-copy"},
        ),
        (
            {"dockerlayer.toml": "extend = 'b.toml'\nselect = ['wide-copy']", "b.toml": "ignore = ['wide-copy']"},
            ALWAYS | {"wide-copy"},
        ),
        (
            {"dockerlayer.toml": "extend = 'b.toml'\nextend-select = ['rare-thing']", "b.toml": "select = []"},
            ALWAYS | {"rare-thing"},
        ),
    ],
)
def test_rules(root: Path, files: Files, selected: frozenset[str]) -> None:
    write(files)
    assert chosen(load()) == selected


def test_extended_files_count_less(root: Path) -> None:
    write(
        {
            "a/dockerlayer.toml": "extend = '../shared/base.toml'\n"
            "severity.odd-mount = 'error'\npattern.fake = 'narrow'\n"
            "context = { 'x/*' = 'x' }\nexclude = ['q']",
            "shared/base.toml": "extend = '../pyproject.toml'\nbuilder = 'kaniko'\nfail-on = 'error'\n"
            "severity = {odd-mount = 'info', wide-copy = 'info'}\ncontext = '.'\nexclude = ['z']",
            "pyproject.toml": "[tool.dockerlayer]\nbuilder = 'legacy'\nfail-on = 'never'\nunsafe-fixes = true\n"
            "pattern = 'narrow'",
        }
    )
    (root / "a/x").mkdir()
    found = load("a")
    assert {rule: said.value for rule, said in found.severities().items()} == {
        "odd-mount": "error",
        "wide-copy": "info",
    }
    assert {name: said.value for name, said in found.patterns().items()} == {"default": "narrow", "fake": "narrow"}
    assert [found.found(key).value for key in ("builder", "fail-on", "unsafe-fixes")] == ["kaniko", "error", True]
    assert found.context(str(root / "a/x/Dockerfile")).value == str(root / "a/x")
    assert found.context(str(root / "a/y/Dockerfile")).value == str(root / "shared")
    assert found.excludes(str(root / "a/q"))
    assert not found.excludes(str(root / "a/z"))
    spots = {rule: said.document and said.document.spot(said.place) for rule, said in found.severities().items()}
    assert spots == {"odd-mount": "a/dockerlayer.toml:2", "wide-copy": "shared/base.toml:4"}


def test_pattern_for_all_puts_single_ones_aside(root: Path) -> None:
    write({"dockerlayer.toml": "extend = 'b.toml'\npattern = 'split'", "b.toml": "pattern.fake = 'narrow'"})
    assert {name: said.value for name, said in load().patterns().items()} == {"default": "split"}


def test_symbolic_link_stands_where_it_was_found(root: Path) -> None:
    write({"shared.toml": "baseline = 'x'", "a/Dockerfile": "", "b/Dockerfile": ""})
    resolver = Resolver(KNOWN, Finder())
    for name in ("a", "b"):
        Path(name, "dockerlayer.toml").symlink_to("../shared.toml")
        assert resolver.configuration(str(root / name)).file("baseline") == str(root / name / "x")


def test_one_file_for_all_speaks_of_the_current_directory(root: Path) -> None:
    write({"ci/own.toml": "extend = 'base.toml'\nexclude = ['a/*']", "ci/base.toml": "context = 'dir'", "ci/dir/x": ""})
    write({"a/dockerlayer.toml": "not even = = TOML"})
    found = load("a", "ci/own.toml", "fail-on = 'never'", "ignore = ['odd-mount']")
    assert found.excludes(str(root / "a/Dockerfile"))
    assert found.context(None).value == str(root / "ci/dir")
    assert found.found("fail-on").value == "never"
    assert chosen(found) == DEFAULT - {"odd-mount"}
    assert load("a", isolated=True).documents == ()
    assert [item.name for item in load("a", "fail-on = 'never'", isolated=True).documents] == ["--config"]


@pytest.mark.parametrize(
    ("config", "isolated", "message"),
    [
        (("a.toml", "b.toml"), False, "--config names more than one file"),
        (("a.toml",), True, "--isolated reads no file, and --config names a.toml"),
    ],
)
def test_options_against_each_other(root: Path, config: tuple[str, ...], isolated: bool, message: str) -> None:
    write({"a.toml": "", "b.toml": ""})
    with pytest.raises(UsageError, match=message):
        Resolver(KNOWN, Finder(), config, isolated)


NEAR = "dockerlayer.toml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\nselct = []", ":3: unknown key 'selct'; did you mean 'select'?"),
        ("fail_on = 'x'", ":1: unknown key 'fail_on'; did you mean 'fail-on'?"),
        ("qqqq = 1", ":1: unknown key 'qqqq'; there are extend, select, "),
        ("select = [\n 'all',\n 'wide-coyp',\n]", ":3: there is no rule 'wide-coyp'; did you mean 'wide-copy'?"),
        ("ignore = ['all']", ":1: there is no rule 'all'; "),
        ("select = 'all'", ":1: select must be a list of rules, not a string"),
        ("select = [1]", ":1: select[1] must be a rule, not a number"),
        ("[severity]\nodd-mount = 'fatal'", ":2: there is no severity 'fatal'; there are error, warning, info"),
        ("[severity]\nodd-muont = 'error'", ":2: there is no rule 'odd-muont'; did you mean 'odd-mount'?"),
        ("[severity]\nodd-mount = 'error'\nignore = []", ":3: 'ignore' stands in the table of 'severity'; "),
        ("severity = 'error'", ":1: severity must be a table of rules, not a string"),
        ("pattern = 'splat'", ":1: there is no pattern 'splat'; did you mean 'split'?"),
        ("pattern.fakee = 'split'", ":1: there is no ecosystem 'fakee'; did you mean 'fake'?"),
        ("pattern = ['split']", ":1: pattern must be a pattern or a table of ecosystems, not a list"),
        ("builder = 'docker'", ":1: there is no builder 'docker'; "),
        ("builder = true", ":1: builder must be a builder, not true or false"),
        ("force-exclude = 'yes'", ":1: force-exclude must be true or false, not a string"),
        ("unsafe-fixes = 1979-05-27", ":1: unsafe-fixes must be true or false, not a date or a time"),
        ("context = ''", ":1: context must be a directory, and '' is none"),
        ("[context]\n'' = '.'", ":2: context.'' must be a glob of Dockerfiles, and '' is none"),
        ("exclude = ['\\u0000']\n", ""),
        ('\nexclude = ["\\u0000"]', ":2: exclude[1] must be a glob of Dockerfiles, and '\\x00' is none"),
        ("a = 1\nb = = 2", ":2:5: not TOML: Invalid value"),
        ("a = [1,\n2", ":2: not TOML: Unclosed array, at the end of the file"),
        (b"\n# \xff", ":2: not UTF-8: byte 0xff"),
        (b"a = 'x'\ra = 1", ":1:"),
        ("a = " + "[" * 100_000, ": nested too deeply"),
        ("a = " + "9" * 10_000, ": "),
        ("extend = 'gone.toml'", ":1: extend = 'gone.toml': gone.toml: No such file or directory"),
        ("\nextend = 'sub'", ":2: extend = 'sub': sub: Is a directory"),
        ("extend = 'sub/pyproject.toml'", ":1: extend = 'sub/pyproject.toml': sub/pyproject.toml: there is no table"),
        ("\nextend = 'dockerlayer.toml'", ":2: extend goes in a circle: dockerlayer.toml -> dockerlayer.toml"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(root: Path, text: str | bytes, message: str) -> None:
    write({NEAR: text, "sub/pyproject.toml": "[tool.ruff]"})
    if message:
        assert error().startswith(NEAR + message)
    else:
        load()


def test_everything_that_is_wrong_is_told(root: Path) -> None:
    write({NEAR: "selct = []\n\n[severity]\nx = 'y'\nwide-copy = 3\n"})
    assert [line.split(": ")[0] for line in error().splitlines()] == [f"{NEAR}:{line}" for line in (1, 4, 5)]
    write({NEAR: "".join(f"key{number} = 1\n" for number in range(5000))})
    assert len(error().splitlines()) == 21
    assert error().endswith(f"\n{NEAR}: and more")


def test_lines_in_a_shared_file(root: Path) -> None:
    write({"pyproject.toml": "[project]\nname = 'x'\n\n[tool.dockerlayer]\n\nselct = []\n"})
    assert error() == "pyproject.toml:6: unknown key 'selct'; did you mean 'select'?"
    write({"pyproject.toml": "[tool]\n\ndockerlayer = 3"})
    assert error() == "pyproject.toml:3: tool.dockerlayer must be a table"
    write({"pyproject.toml": "[tool.dockerlayer]\nbroken = = 1"})
    assert error().startswith("pyproject.toml:2:10: not TOML: ")


def test_chain_of_extended_files_is_told(root: Path) -> None:
    write({NEAR: "extend = 'b.toml'", "b.toml": "extend = 'c.toml'", "c.toml": "\nselct = 1"})
    chain = "(dockerlayer.toml -> b.toml -> c.toml)"
    assert error() == f"c.toml:2: unknown key 'selct'; did you mean 'select'? {chain}"
    write({"c.toml": "\n\nextend = 'b.toml'"})
    assert error() == "c.toml:3: extend goes in a circle: dockerlayer.toml -> b.toml -> c.toml -> b.toml"
    write({"c.toml": "extend = 'd.toml'"})
    assert error() == f"c.toml:1: extend = 'd.toml': d.toml: No such file or directory {chain}"


def test_long_chain(root: Path) -> None:
    write({f"{number}.toml": f"extend = '{number + 1}.toml'" for number in range(500)})
    write({NEAR: "extend = '0.toml'", "500.toml": "fail-on = 'never'"})
    assert load().found("fail-on").value == "never"


def test_files_that_cannot_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("directory", "pipe", "loop", "gone", "closed"):
        (root / name).mkdir()
    (root / "directory" / NEAR).mkdir()
    os.mkfifo(root / "pipe" / NEAR)
    (root / "loop" / NEAR).symlink_to(NEAR)
    (root / "gone" / NEAR).symlink_to("nowhere")
    assert error("directory") == "directory/dockerlayer.toml: Is a directory"
    assert error("pipe") == "pipe/dockerlayer.toml: not a regular file"
    assert error("loop") == "loop/dockerlayer.toml: Too many levels of symbolic links"
    assert error("gone") == "gone/dockerlayer.toml: No such file or directory"
    write({"closed/pyproject.toml": "[tool.dockerlayer]"})
    opened = os.open

    def refuse(path: Any, flags: int) -> int:
        if str(path).endswith("pyproject.toml"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags)

    monkeypatch.setattr("os.open", refuse)
    assert error("closed") == "closed/pyproject.toml: Permission denied"


def test_shared_name_that_is_no_file_is_passed_over(root: Path) -> None:
    write({NEAR: "fail-on = 'never'"})
    (root / "a" / "pyproject.toml").mkdir(parents=True)
    assert load("a").found("fail-on").value == "never"


def test_same_error_for_each_file_that_it_keeps_from_being_checked(root: Path) -> None:
    write({NEAR: "x = 1", "good/dockerlayer.toml": "exclude = ['out']"})
    resolver = Resolver(KNOWN, Finder())
    errors = []
    for name in ("a", "b"):
        with pytest.raises(ConfigError) as caught:
            resolver.configuration(str(root / name))
        errors.append(caught.value)
    assert errors[0] is errors[1]
    assert not resolver.excludes(str(root / "good/Dockerfile"), str(root))
    assert resolver.excludes(str(root / "good/out/deep/Dockerfile"), str(root))


def test_context_that_is_not_there(root: Path) -> None:
    write({NEAR: "[context]\n'b/*' = '.'\n'a/*' = 'gone'\n'c/*' = 'dockerlayer.toml'"})
    found = load()
    assert found.context(str(root / "b/Dockerfile")).value == str(root)
    assert found.context(str(root / "Dockerfile")).value is None
    for place, message in (
        ("a/Dockerfile", "dockerlayer.toml:3: context 'gone': no such directory"),
        ("c/Dockerfile", "dockerlayer.toml:4: context 'dockerlayer.toml': not a directory"),
    ):
        with pytest.raises(ConfigError) as caught:
            found.context(str(root / place))
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("files", "path", "found_below", "excluded", "forced"),
    [
        ({NEAR: "exclude = ['vendor']"}, "vendor/x/Dockerfile", ".", True, False),
        ({NEAR: "exclude = ['vendor']"}, "vendor/x/Dockerfile", "vendor", False, False),
        ({NEAR: "exclude = ['vendor']", "vendor/x/dockerlayer.toml": ""}, "vendor/x/Dockerfile", ".", True, False),
        ({NEAR: "exclude = ['*.dev']\nforce-exclude = true"}, "a/Dockerfile.dev", "a", True, True),
        ({NEAR: "exclude = ['vendor']\nforce-exclude = true"}, "vendor/x/Dockerfile", "vendor", False, True),
        ({NEAR: "exclude = ['vendor']\nforce-exclude = true"}, "vendor", "/", True, True),
        ({NEAR: "exclude = ['a']\nforce-exclude = true"}, "b/Dockerfile", ".", False, False),
        ({NEAR: "exclude = ['a/b']", "a/dockerlayer.toml": "x = "}, "a/b/Dockerfile", ".", False, False),
        ({}, "Dockerfile", "/", False, False),
    ],
)
def test_excluded(root: Path, files: Files, path: str, found_below: str, excluded: bool, forced: bool) -> None:
    write(files)
    resolver = Resolver(KNOWN, Finder())
    assert resolver.excludes(str(root / path), os.path.abspath(found_below)) is excluded
    assert resolver.forces_out(str(root / path)) is forced
