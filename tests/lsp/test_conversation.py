"""An editor's whole conversation with the real server: what it shows is what the command line says."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from editor import ABLE, Editor, Talk, applied, wait
from lsprotocol import types as lsp

FIXTURES = Path(__file__).parents[2] / "fixtures"
# pygls 2.1 asks asyncio what inspect should be asked, of which Python 3.14 warns.
pytestmark = pytest.mark.filterwarnings("ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning")
Converse = Callable[[Talk], None]
Cli = Callable[..., subprocess.CompletedProcess[bytes]]

BAD = "FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
# Nothing of npm's own is kept out, so that the copy puts the host's modules over those of the image.
UNIGNORED = "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n"


def test_from_the_first_word_to_the_last(
    converse: Converse, cli: Cli, environment: dict[str, str], project: Path
) -> None:
    path = project / "Dockerfile"
    old = path.read_text()

    async def talk(editor: Editor) -> None:
        result = await editor.start(environment)
        assert result.server_info is not None
        assert result.server_info.name == "dockerlayer"
        assert result.capabilities.position_encoding == lsp.PositionEncodingKind.Utf16
        uri = editor.open(path, old)
        (found,) = await editor.diagnostics(uri, 1)
        assert (found.code, found.source, found.severity) == (
            "source-before-download",
            "dockerlayer",
            lsp.DiagnosticSeverity.Warning,
        )
        assert found.range == lsp.Range(lsp.Position(3, 4), lsp.Position(3, 10))
        assert found.message.startswith("every source edit downloads 3 packages from npm again")

        hover = await editor.hover(uri, 3, 5)
        assert "**warning** `source-before-download`" in hover
        assert "- needs `package.json`, `package-lock.json`" in hover
        assert "- does not need 2 files of line 3, `COPY . .`: `build.js`, `server.js`" in hover
        assert "The layer is built again when one of these changes:" in await editor.hover(uri, 1, 0)
        assert await editor.lenses(uri) == [
            (3, "downloads 3 packages from npm again on each change of: COPY . . (line 3)")
        ]

        quick, leave, every = await editor.actions(uri, found.range)
        assert (quick.kind, quick.is_preferred) == (lsp.CodeActionKind.QuickFix, True)
        assert [item.code for item in quick.diagnostics or ()] == ["source-before-download"]
        assert every.kind == "source.fixAll.dockerlayer"
        assert await editor.actions(uri, found.range, ["refactor"]) == []
        assert [item.kind for item in await editor.actions(uri, found.range, ["source"])] == [every.kind]
        assert [item.kind for item in await editor.actions(uri, found.range, ["quickfix"])] == [quick.kind] * 2
        first = lsp.Range(lsp.Position(0, 0), lsp.Position(0, 4))
        assert [item.kind for item in await editor.actions(uri, first)] == [every.kind]

        assert leave.title == "Ignore source-before-download for this instruction"
        (left,) = applied(leave.edit, {uri: (1, old)}).values()
        assert left == old.replace("RUN npm ci\n", "# dockerlayer: ignore[source-before-download]\nRUN npm ci\n")
        (new,) = applied(quick.edit, {uri: (1, old)}).values()
        assert [new] == list(applied(every.edit, {uri: (1, old)}).values())
        editor.change(uri, new, 2)
        assert await editor.diagnostics(uri, 2) == ()
        assert await editor.lenses(uri) == [(3, "cached: reads package.json, package-lock.json only")]
        assert await editor.actions(uri, first) == []
        editor.close(uri)
        assert await editor.diagnostics(uri, None) == ()
        assert await editor.hover(uri, 3, 5) == ""
        assert path.read_text() == old, "the server writes nothing"
        assert await editor.end() == (0, "")

        assert cli("fix", path).returncode == 0
        assert path.read_text() == new, "the code action does what `dockerlayer fix` does"

    converse(talk)


def test_only_the_last_of_many_changes_is_shown(converse: Converse, environment: dict[str, str], project: Path) -> None:
    async def talk(editor: Editor) -> None:
        await editor.start(environment, able=lsp.ClientCapabilities())
        uri = editor.open(project / "Dockerfile", BAD)
        for version in range(2, 40):
            editor.change(uri, "FROM busybox\n" + "#\n" * version + "RUNN x\n", version)
        versions = []
        while not versions or versions[-1] < 39:
            params = await wait(editor.published.get())
            versions.append(params.version)
        assert len(versions) <= 3, "what is typed at once is examined once"
        assert [item.code for item in params.diagnostics] == ["invalid-dockerfile"]
        assert params.diagnostics[0].range.start.line == 40
        assert await editor.end() == (0, "")

    converse(talk)


def test_units_of_the_editor(converse: Converse, environment: dict[str, str], project: Path) -> None:
    text = "FROM node:22\r\nWORKDIR /app\r\nCOPY . .\r\nRUN echo '\U0001f600\xe9' && npm ci\r\n"

    async def talk(editor: Editor) -> None:
        general = lsp.GeneralClientCapabilities(
            position_encodings=[lsp.PositionEncodingKind.Utf8, lsp.PositionEncodingKind.Utf16]
        )
        able = lsp.ClientCapabilities(general=general, workspace=ABLE.workspace, text_document=ABLE.text_document)
        result = await editor.start(environment, able=able)
        assert result.capabilities.position_encoding == lsp.PositionEncodingKind.Utf8
        uri = editor.open(project / "Dockerfile", text)
        (found,) = await editor.diagnostics(uri, 1)
        assert (found.range.start, found.range.end) == (lsp.Position(3, 21), lsp.Position(3, 27))
        actions = await editor.actions(uri, found.range, ["source.fixAll"])
        (new,) = applied(actions[0].edit, {uri: (1, text)}, "utf-8").values()
        assert new.count("\r\n") == new.count("\n")
        assert await editor.end() == (0, "")

    converse(talk)


def test_lines_for_the_ignore_file(converse: Converse, cli: Cli, environment: dict[str, str], project: Path) -> None:
    path, ignore = project / "Dockerfile", project / ".dockerignore"
    path.write_text(UNIGNORED)
    (project / ".gitignore").write_text("node_modules\n")
    (project / "node_modules" / "a").mkdir(parents=True)
    (project / "node_modules" / "a" / "index.js").write_text("1")
    ignore.write_bytes(b"one\r\ntwo")

    async def talk(editor: Editor) -> None:
        await editor.start(environment)
        uri = editor.open(path, UNIGNORED)
        (found,) = await editor.diagnostics(uri, 1)
        assert found.code == "context-overwrites-install"
        action, _ = await editor.actions(uri, found.range)
        assert action.is_preferred is None
        assert "(unsafe: " in action.title
        assert applied(action.edit, {}) == {ignore.as_uri(): "one\r\ntwo\r\nnode_modules\r\n"}

        # What the editor has of that file counts, and not what is on disk.
        other = editor.open(ignore, "three\n", 7, "ignore")
        action, _ = await editor.actions(uri, found.range)
        assert applied(action.edit, {other: (7, "three\n")}) == {other: "three\nnode_modules\n"}
        editor.close(other)
        assert await editor.diagnostics(other, None) == ()

        ignore.unlink()
        changed = lsp.FileEvent(ignore.as_uri(), lsp.FileChangeType.Deleted)
        editor.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([changed]))
        await editor.diagnostics(uri, 1)
        action, _ = await editor.actions(uri, found.range)
        assert applied(action.edit, {}) == {ignore.as_uri(): "node_modules\n"}
        assert await editor.end() == (0, "")
        assert not ignore.exists()

    converse(talk)
    assert cli("fix", "--unsafe", path).returncode == 0
    assert ignore.read_text() == "node_modules\n", "the code action does what `dockerlayer fix --unsafe` does"

    async def without_creation(editor: Editor) -> None:
        await editor.start(environment, able=lsp.ClientCapabilities())
        ignore.unlink()
        uri = editor.open(path, UNIGNORED)
        (found,) = await editor.diagnostics(uri, 1)
        titles = [action.title for action in await editor.actions(uri, found.range)]
        assert titles == ["Ignore context-overwrites-install for this instruction"], "this editor makes no files"
        assert await editor.end() == (0, "")

    converse(without_creation)


def test_files_that_change(converse: Converse, environment: dict[str, str], project: Path) -> None:
    text = (project / "Dockerfile").read_text()

    async def talk(editor: Editor) -> None:
        await editor.start(environment)
        (registration,) = (await wait(editor.registered.get())).registrations
        assert registration.method == lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES
        uri = editor.open(project / "Dockerfile", text)
        (found,) = await editor.diagnostics(uri, 1)
        assert found.code == "source-before-download"

        (project / "package-lock.json").unlink()
        editor.change(uri, f"{text}\n", 2)
        (found,) = await editor.diagnostics(uri, 2)
        assert found.code == "source-before-download", "a context that is watched is not read again"
        event = lsp.FileEvent((project / "package-lock.json").as_uri(), lsp.FileChangeType.Deleted)
        editor.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([event]))
        codes = [item.code for item in await editor.diagnostics(uri, 2)]
        assert "missing-lockfile" in codes
        await wait(editor.refreshed.get())

        shutil.copy(FIXTURES / "npm" / "naive" / "package-lock.json", project)
        editor.save(uri)
        assert [item.code for item in await editor.diagnostics(uri, 2)] == ["source-before-download"]
        editor.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(settings=None))
        assert [item.code for item in await editor.diagnostics(uri, 2)] == ["source-before-download"]
        await wait(editor.refreshed.get())
        assert await editor.end() == (0, "")

    converse(talk)


def test_options(converse: Converse, environment: dict[str, str], project: Path) -> None:
    text = (project / "Dockerfile").read_text()

    async def talk(editor: Editor) -> None:
        await editor.start(environment, "--stdio", "--ignore", "source-before-download", options={"selekt": ["all"]})
        shown = await wait(editor.shown.get())
        assert shown.message == "dockerlayer: there is no initialization option 'selekt'; did you mean 'select'?"
        uri = editor.open(project / "Dockerfile", text)
        assert await editor.diagnostics(uri, 1) == ()
        assert await editor.end() == (0, "")

    converse(talk)

    async def with_options(editor: Editor) -> None:
        options = {"select": ["git-directory-copied"], "pattern": "stage", "profile": "buildkit"}
        await editor.start(environment, options=options)
        (project / ".git").mkdir()
        uri = editor.open(project / "Dockerfile", text)
        assert [item.code for item in await editor.diagnostics(uri, 1)] == ["git-directory-copied"]
        assert await editor.end() == (0, "")

    converse(with_options)


def test_configuration_files(converse: Converse, environment: dict[str, str], project: Path) -> None:
    text = (project / "Dockerfile").read_text()
    config = project / "dockerlayer.toml"

    async def talk(editor: Editor) -> None:
        await editor.start(environment, options={"pattern": "narrow"})
        config.write_text("[severity]\nsource-before-download = 'error'\n")
        uri = editor.open(project / "Dockerfile", text)
        (found,) = await editor.diagnostics(uri, 1)
        assert found.severity == lsp.DiagnosticSeverity.Error

        config.write_text("exclude = ['pro ject']\n[severity]\nsource-before-download = 1\n")
        event = lsp.DidChangeWatchedFilesParams([lsp.FileEvent(config.as_uri(), lsp.FileChangeType.Changed)])
        editor.client.workspace_did_change_watched_files(event)
        assert await editor.diagnostics(uri, 1) == ()
        shown = await wait(editor.shown.get())
        assert shown.type == lsp.MessageType.Warning
        assert f"{config}:3" in shown.message

        (project.parent / "dockerlayer.toml").write_text("exclude = ['pro ject']\n")
        config.unlink()
        editor.client.workspace_did_change_watched_files(event)
        assert await editor.diagnostics(uri, 1) == ()
        assert await editor.hover(uri, 3, 5) == "", "of what is excluded nothing is said"
        (project.parent / "dockerlayer.toml").write_text("context = 'gone'\n")
        editor.client.workspace_did_change_watched_files(event)
        assert await editor.diagnostics(uri, 1) == ()
        assert "gone" in (await wait(editor.shown.get())).message
        while not editor.refreshed.empty():
            editor.refreshed.get_nowait()
        code, _ = await editor.end()
        assert code == 0
        assert editor.shown.empty()

    converse(talk)


def test_configuration_file_that_changes(converse: Converse, environment: dict[str, str], project: Path) -> None:
    path, config = project / "Dockerfile", project / "dockerlayer.toml"
    config.write_text("ignore = ['source-before-download']\n")

    async def talk(editor: Editor) -> None:
        await editor.start(environment, able=lsp.ClientCapabilities())
        text = path.read_text()
        uri = editor.open(path, text)
        assert not await editor.diagnostics(uri, 1)
        config.write_text("severity.source-before-download = 'error'\n")
        editor.save(uri)
        (found,) = await editor.diagnostics(uri, 1)
        assert found.severity is lsp.DiagnosticSeverity.Error
        assert await editor.end() == (0, "")

    converse(talk)


@pytest.mark.parametrize("pattern", ["split", "narrow"])
def test_settings_and_contexts_are_those_of_the_command(
    converse: Converse,
    environment: dict[str, str],
    cli: Cli,
    tmp_path: Path,
    pattern: str,
) -> None:
    """Severity, pattern of an ecosystem, the context of a build, and a comment: check, fix and the server agree."""
    source = FIXTURES / "pip" / "naive"
    (tmp_path / "app").mkdir()
    (tmp_path / "docker").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("app.py", "requirements.txt"):
        shutil.copy(source / name, tmp_path / "app")
    install = "RUN pip install --no-cache-dir -r requirements.txt\n"
    comment = "# dockerlayer: ignore[source-before-download] slow, and known\n"
    naive = (source / "Dockerfile").read_text()
    assert install in naive
    text = naive + "FROM python:3.12-slim\nWORKDIR /b\nCOPY . .\n" + comment + install
    dockerfile = tmp_path / "docker" / "Dockerfile"
    dockerfile.write_text(text)
    (tmp_path / "compose.yaml").write_text(
        "services:\n  api:\n    build: {context: app, dockerfile: ../docker/Dockerfile}\n"
    )
    (tmp_path / "dockerlayer.toml").write_text(
        f"severity.source-before-download = 'error'\n[pattern]\ndefault = 'hybrid'\npip = '{pattern}'\n"
    )
    told = json.loads(cli("check", dockerfile, "--format", "json").stdout)["files"][0]
    shown: list[str] = []

    async def talk(editor: Editor) -> None:
        await editor.start(environment)
        uri = editor.open(dockerfile, text)
        found = await editor.diagnostics(uri, 1)
        assert [(item.code, item.severity) for item in found] == [
            (item["rule"], lsp.DiagnosticSeverity.Error) for item in told["findings"]
        ]
        every = (await editor.actions(uri, found[0].range, ["source.fixAll"]))[0]
        shown.extend(applied(every.edit, {uri: (1, text)}).values())
        assert await editor.end() == (0, "")

    converse(talk)
    assert [item["severity"] for item in told["findings"]] == ["error"]
    cli("fix", dockerfile)
    assert shown == [dockerfile.read_text()]
    assert shown[0] != text
    assert shown[0].endswith(f"COPY . .\n{comment}{install}")
    assert ("RUN pip wheel " in shown[0]) is (pattern == "split")


@pytest.mark.parametrize("uri", ["file:///", "", "untitled:Untitled-1", "file:///tmp/%00/Dockerfile", "git:/a?b"])
def test_documents_that_are_no_files(converse: Converse, environment: dict[str, str], uri: str) -> None:
    async def talk(editor: Editor) -> None:
        await editor.start(environment)
        editor.open(uri, "FROM busybox\nRUNN x\n")
        assert [item.code for item in await editor.diagnostics(uri, 1)] == ["invalid-dockerfile"]
        assert await editor.lenses(uri) == []
        assert (await editor.end())[0] == 0

    converse(talk)
