"""Configuration files at work: in check, fix, why and config."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

Runner = Callable[..., subprocess.CompletedProcess[bytes]]

BAD = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
RULE = "source-before-download"


def add(directory: Path, text: bytes = BAD, **files: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "Dockerfile").write_bytes(text)
    (directory / "fake.json").write_text("{}")
    (directory / "main.py").write_text("print()")
    for name, content in files.items():
        (directory / f"{name}.toml").write_text(content)
    return directory


def severities(done: subprocess.CompletedProcess[bytes]) -> dict[str, list[str]]:
    return {
        file["path"]: [finding["severity"] for finding in file["findings"]] for file in json.loads(done.stdout)["files"]
    }


def test_each_dockerfile_has_its_own_settings(inside: Runner, tmp_path: Path) -> None:
    add(tmp_path, dockerlayer=f"severity.{RULE} = 'info'")
    add(tmp_path / "a", dockerlayer=f"extend = '../dockerlayer.toml'\nselect = ['all']\nseverity.{RULE} = 'error'")
    add(tmp_path / "b", pyproject=f"[tool.dockerlayer]\nignore = ['{RULE}']")
    add(tmp_path / "c/deep")
    found = severities(inside("check", "--format", "json"))
    assert found["Dockerfile"] == ["info"]
    assert "error" in found["a/Dockerfile"]
    assert found["b/Dockerfile"] == []
    assert found["c/deep/Dockerfile"] == ["info"]
    assert inside("check", "b").returncode == 0
    assert severities(inside("check", "--format", "json", "--isolated", "a", "b")) == {
        "a/Dockerfile": ["warning"],
        "b/Dockerfile": ["warning"],
    }


def test_many_files_in_several_processes(inside: Runner, tmp_path: Path) -> None:
    for number in range(40):
        add(tmp_path / str(number), dockerlayer=f"severity.{RULE} = '{'info' if number % 2 else 'error'}'")
    found = severities(inside("check", "--format", "json"))
    assert found == {f"{number}/Dockerfile": ["info" if number % 2 else "error"] for number in range(40)}


def test_command_line_counts_more(inside: Runner, tmp_path: Path) -> None:
    add(tmp_path, dockerlayer=f"ignore = ['{RULE}']")
    assert inside("check").returncode == 0
    assert inside("check", "--ignore", "missing-lockfile").returncode == 0
    assert inside("check", "--select", RULE).returncode == 1
    assert inside("check", "--config", "ignore = []", "--config", f"select = ['{RULE}']").returncode == 1
    assert inside("check", "--isolated").returncode == 1


def test_broken_file_is_told_once_and_the_others_are_checked(inside: Runner, tmp_path: Path) -> None:
    add(tmp_path / "bad", dockerlayer="\nselct = []\npattern = 3\n")
    add(tmp_path / "bad/deep")
    add(tmp_path / "good")
    done = inside("check")
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[-2:] == [
        "error: bad/dockerlayer.toml:2: unknown key 'selct'; did you mean 'select'?",
        "error: bad/dockerlayer.toml:3: pattern must be a pattern or a table of ecosystems, not a number",
    ]
    assert done.stdout.startswith(b"good/Dockerfile:4:5: ")
    assert done.stdout.endswith(b"Found 1 problem in 1 of 1 file (1 fixable with fix); 2 files could not be checked.\n")
    report = json.loads(inside("check", "--format", "json").stdout)
    assert [error["path"] for error in report["errors"]] == ["bad/dockerlayer.toml"]
    assert report["summary"]["failed"] == 2
    before = (tmp_path / "bad/Dockerfile").read_bytes()
    assert inside("fix").returncode == 2
    assert (tmp_path / "bad/Dockerfile").read_bytes() == before
    assert (tmp_path / "good/Dockerfile").read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "--config", "gone.toml"), b"error: gone.toml: No such file or directory\n"),
        (("check", "--config", "broken.toml", "good"), b"error: broken.toml:1: unknown key 'x'"),
        (("check", "--config", "selct = []"), b"error: --config: unknown key 'selct'; did you mean 'select'?\n"),
        (("check", "--config", "a = = 1"), b"error: --config:1:5: not TOML: "),
        (("config", "--config", "broken.toml"), b"error: broken.toml:1: unknown key 'x'"),
        (("why", "good/Dockerfile:4", "--config", "broken.toml"), b"error: broken.toml:1: unknown key 'x'"),
        (("verify", "good/Dockerfile", "--config", "broken.toml"), b"error: broken.toml:1: unknown key 'x'"),
    ],
)
def test_broken_config_option_stops_the_run(
    inside: Runner, tmp_path: Path, arguments: tuple[str, ...], message: bytes
) -> None:
    add(tmp_path / "good")
    (tmp_path / "broken.toml").write_text("x = 1")
    done = inside(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr
    assert b"Traceback" not in done.stderr


def test_context_by_glob(inside: Runner, tmp_path: Path) -> None:
    add(tmp_path, dockerlayer="[context]\n'docker/api.*' = '.'\n'docker/web.*' = 'gone'\n")
    (tmp_path / "docker").mkdir()
    (tmp_path / "Dockerfile").rename(tmp_path / "docker/api.Dockerfile")
    (tmp_path / "docker/web.Dockerfile").write_bytes(BAD)
    done = inside("check")
    assert b"docker/api.Dockerfile:4:5: " in done.stdout
    assert b"(1 fixable with fix); 1 file could not be checked." in done.stdout
    assert done.stderr.endswith(b"error: dockerlayer.toml:3: context 'gone': no such directory\n")
    assert b"fake.json" in inside("why", "docker/api.Dockerfile:4").stdout
    assert inside("check", "--context", ".", "docker/web.Dockerfile").returncode == 1
    # The text of an editor, under the name that it has on disk.
    done = inside("check", "-", "--stdin-filename", "docker/api.Dockerfile", stdin=BAD)
    assert b"(1 fixable with fix)" in done.stdout


def test_pattern_of_an_ecosystem(inside: Runner, tmp_path: Path) -> None:
    add(tmp_path, dockerlayer="pattern.fake = 'stage'")
    assert b"no stage fix" in inside("check").stdout
    assert b"no stage fix" not in inside("check", "--pattern", "narrow").stdout


def test_unsafe_fixes(inside: Runner, tmp_path: Path) -> None:
    add(tmp_path, BAD.replace(b"install", b"install risky"), dockerlayer="unsafe-fixes = true")
    assert inside("fix", "--isolated").returncode == 1
    assert inside("fix").returncode == 0
    assert (tmp_path / "Dockerfile").read_bytes() != BAD


def test_severity_that_fails_is_that_of_each_file(inside: Runner, tmp_path: Path) -> None:
    add(tmp_path / "a", dockerlayer="fail-on = 'error'")
    add(tmp_path / "b", dockerlayer=f"fail-on = 'error'\nseverity.{RULE} = 'error'")
    assert inside("check", "a").returncode == 0
    assert inside("check", "b").returncode == inside("check").returncode == 1
    assert inside("check", "a", "--fail-on", "info").returncode == 1
    assert inside("check", "b", "--fail-on", "never").returncode == 0


def test_baseline_beside_the_file_that_names_it(inside: Runner, tmp_path: Path) -> None:
    add(tmp_path / "a", dockerlayer="baseline = 'known.json'")
    add(tmp_path / "b")
    assert inside("check", "a", "--write-baseline", "a/known.json").returncode == 0
    assert inside("check", "a").returncode == 0
    done = inside("check")
    assert done.returncode == 1
    assert b"a/Dockerfile" not in done.stdout


def test_excluded_files(inside: Runner, tmp_path: Path) -> None:
    add(tmp_path / "a")
    add(tmp_path / "vendor/lib")
    (tmp_path / "dockerlayer.toml").write_text("exclude = ['vendor']\n")

    def paths(*arguments: str) -> list[str]:
        return list(severities(inside("check", "--format", "json", *arguments)))

    assert paths() == ["a/Dockerfile"]
    assert paths("vendor") == paths("vendor/lib/Dockerfile") == ["vendor/lib/Dockerfile"]
    for forced in (("--config", "force-exclude = true"), ("--force-exclude",)):
        assert paths("vendor", *forced) == []
        assert paths("vendor/lib/Dockerfile", "a", *forced) == ["a/Dockerfile"]
        done = inside("check", "vendor/lib/Dockerfile", *forced)
        assert (done.returncode, done.stdout) == (0, b"Nothing checked.\n")
        name = ("--stdin-filename", "vendor/lib/Dockerfile")
        assert inside("check", "-", *name, *forced, stdin=BAD).returncode == 0
        assert inside("fix", "-", *name, *forced, stdin=BAD).stdout.startswith(BAD)
    assert inside("check", "--force-exclude", "vendor/lib/Dockerfile").stdout == b"Nothing checked.\n"


def test_config_shows_what_is_in_force(inside: Runner, tmp_path: Path) -> None:
    add(tmp_path / "a", dockerlayer="extend = '../base.toml'\n\n[pattern]\nfake = 'narrow'\n")
    (tmp_path / "base.toml").write_text(f"ignore = ['missing-lockfile']\nseverity.{RULE} = 'error'\n")
    text = inside("config", "a/Dockerfile", "--profile", "kaniko").stdout.decode()
    assert text.startswith("# a/Dockerfile\n# a/dockerlayer.toml, which extends base.toml\n")
    lines = text.splitlines()
    for line in (
        "select = [  # default, ignore in base.toml:1",
        f'severity.{RULE} = "error"  # base.toml:2',
        'pattern.default = "split"  # default',
        'pattern.fake = "narrow"  # a/dockerlayer.toml:4',
        'builder = "kaniko"  # the command line',
        "# context: the directory of the Dockerfile  # default",
        "exclude = []  # default",
    ):
        assert line in lines
    (tmp_path / "same.toml").write_text(text)
    again = inside("config", "a/Dockerfile", "--config", "same.toml").stdout.decode()
    assert tomllib.loads(again) == tomllib.loads(text)
    shown = json.loads(inside("config", "a", "--format", "json").stdout)
    assert (shown["path"], shown["files"]) == ("a/Dockerfile", ["a/dockerlayer.toml", "base.toml"])
    said = {".".join(item["key"]): (item["value"], item["said"]) for item in shown["settings"]}
    assert said[f"severity.{RULE}"] == ("error", [{"path": "base.toml", "line": 2}])
    assert said["pattern.default"] == ("split", [])


COMPOSE = "services:\n  api:\n    build: {context: ., dockerfile: a/Dockerfile}\n"
BOTH = f"{COMPOSE}  web:\n    build: a\n"


@pytest.mark.parametrize(
    ("compose", "said", "line"),
    [
        (COMPOSE, "", 'context = "{here}"  # compose.yaml:3, service api'),
        (
            BOTH,
            "",
            "# context: ., and a; a fix must hold in each  # compose.yaml:3, service api, compose.yaml:5, service web",
        ),
        (COMPOSE, "a", 'context = "{here}/a"  # dockerlayer.toml:1, instead of . (compose.yaml:3, service api)'),
        (BOTH, "a", 'context = "{here}/a"  # dockerlayer.toml:1, instead of . (compose.yaml:3, service api)'),
        (COMPOSE, ".", 'context = "{here}"  # dockerlayer.toml:1'),
    ],
)
def test_context_of_files_and_of_builds(inside: Runner, tmp_path: Path, compose: str, said: str, line: str) -> None:
    add(tmp_path / "a")
    (tmp_path / "fake.json").write_text("{}")
    (tmp_path / "compose.yaml").write_text(compose)
    (tmp_path / "dockerlayer.toml").write_text(f"context = '{said}'\n" if said else "")
    text = inside("config", "a/Dockerfile").stdout.decode()
    assert line.format(here=tmp_path.resolve()) in text.splitlines()
    tomllib.loads(text)
    found = {tuple(item["key"]): item for item in json.loads(inside("config", "a", "--format=json").stdout)["settings"]}
    assert [build["path"] for build in found["context",].get("builds", ())] == [
        word for word, named in ((".", ": ., and" in line or "service api" in line), ("a", ", and a" in line)) if named
    ]
    told = json.loads(inside("check", "a", "--format=json").stdout)["files"][0]
    assert ("contexts" in told) is not bool(said)


def test_config_of_a_compose_file(inside: Runner, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    done = inside("config", "compose.yaml")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"error: compose.yaml is no Dockerfile; " in done.stderr


def test_config_of_a_file_that_is_left_out(inside: Runner, tmp_path: Path) -> None:
    add(tmp_path, dockerlayer="exclude = ['Dockerfile']\ncontext = 'gone'")
    assert inside("config", "--context", ".").stdout.startswith(b"# Dockerfile, which exclude leaves out\n")
    assert inside("config").stderr.endswith(b"error: dockerlayer.toml:2: context 'gone': no such directory\n")


def test_names_that_a_terminal_would_act_on(inside: Runner, tmp_path: Path) -> None:
    directory = add(tmp_path / os.fsdecode(b"\x1b[31m\xff"), dockerlayer="'\x7f' = 1\n".replace("\x7f", "\u202e"))
    done = inside("check", directory)
    assert done.returncode == 2
    assert b"\x1b" not in done.stderr
    assert "\u202e" not in done.stderr.decode()
    (directory / "dockerlayer.toml").write_text("exclude = ['\u202e']")
    done = inside("config", directory)
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout


def test_working_directory_that_is_gone(run: Runner, tmp_path: Path) -> None:
    project = add(tmp_path / "project", dockerlayer=f"severity.{RULE} = 'error'")
    for arguments, code in (
        (("Dockerfile",), 2),
        ((project / "Dockerfile",), 1),
        (("-",), 1),
        (("--select", "all"), 2),
    ):
        (tmp_path / "gone").mkdir()
        wrapper = ("sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh")
        done = run("check", *arguments, cwd=tmp_path / "gone", stdin=BAD, wrapper=wrapper)
        assert (done.returncode, b"Traceback" in done.stderr) == (code, False)
