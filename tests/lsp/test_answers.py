"""From what the engine finds to the answers, without a server between."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from editor import applied
from lsprotocol.types import DiagnosticTag, Hover, MarkupContent, Position, Range

from dockerlayer.api import Ecosystem
from dockerlayer.engine import Options
from dockerlayer.findings import Applicability, apply
from dockerlayer.lsp.actions import Abilities, Wanted, actions
from dockerlayer.lsp.diagnostics import diagnostics
from dockerlayer.lsp.examined import Document, Examined
from dockerlayer.lsp.hovers import hover
from dockerlayer.lsp.lenses import lenses
from dockerlayer.lsp.markdown import code, fenced, prose
from dockerlayer.lsp.positions import Text
from dockerlayer.model.context import Context

ROOT = Path(__file__).parents[2]
URI = "file:///project/Dockerfile"
HEAD = "FROM node:22\nWORKDIR /app\n"
Examine = Callable[..., Examined]
ALL = Range(Position(0, 0), Position(9999, 0))


@pytest.fixture
def examine(ecosystems: tuple[Ecosystem, ...], options: Options, tmp_path: Path) -> Examine:
    """``examine(text, files)`` examines a Dockerfile in a project of these files."""

    def run(text: str, files: dict[str, str] | None = None, **changed: object) -> Examined:
        for name, content in (FILES if files is None else files).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        document = Document(URI, 3, str(tmp_path / "Dockerfile"), Text(text))
        context = Context.open(tmp_path, tmp_path / "Dockerfile")
        return Examined(document, context, ecosystems, options._replace(**changed))

    return run


LOCK = '{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {"version": "1.0.0", "resolved": "x"}}}'
FILES = {
    "package.json": '{"dependencies": {"a": "1.0.0"}}',
    "package-lock.json": LOCK,
    "index.js": "1",
    "conf/app.ini": "",
    ".dockerignore": "node_modules\nDockerfile\n",
}


def _cases() -> list[Path]:
    every = sorted((ROOT / "fixtures").glob("*/*/Dockerfile"))
    # Some of each ecosystem, and those whose text is odd.
    odd = [path for path in every if re.search("crlf|bom|heredoc|utf|final-newline|tab|unsafe", path.parent.name)]
    return sorted({*odd, *every[::40]})


@pytest.mark.parametrize("path", _cases(), ids=lambda path: f"{path.parts[-3]}/{path.parts[-2]}")
def test_actions_do_what_fix_does(path: Path, ecosystems: tuple[Ecosystem, ...], options: Options) -> None:
    try:
        source = path.read_bytes().decode()
    except UnicodeDecodeError:
        pytest.skip("an editor shows such a file as another text")
    uri = path.as_uri()
    context = Context.open(path.parent, path)
    examined = Examined(Document(uri, 1, str(path), Text(source)), context, ecosystems, options)
    lookup = {str(context.ignore_target): Document("file:///ignore", None, "", Text(""))}
    found = actions(examined, Wanted(ALL), Abilities(), lookup.get)
    left = [item for item in found if item.title.startswith("Ignore ")]
    quick = [item for item in found if item.kind == "quickfix" and item not in left]
    fixable = [item for item in examined.findings if item.fix and item.fix.applicability is not Applicability.MANUAL]
    assert len(quick) == len(fixable)
    for action, finding in zip(quick, fixable, strict=True):
        assert finding.fix is not None
        texts = applied(action.edit, {uri: (1, source), "file:///ignore": (0, "")} if not finding.fix.ignore else {})
        if not finding.fix.ignore:
            assert texts == {uri: apply(source.encode(), finding.fix.edits).decode()}
        assert bool(action.is_preferred) == (finding.fix.applicability is Applicability.SAFE)
        assert ("(unsafe: " in action.title) == (finding.fix.applicability is Applicability.UNSAFE)
    every = [applied(item.edit, {uri: (1, source)}) for item in found if item.kind != "quickfix"]
    for action in left:
        assert action.is_preferred is None
        (text,) = applied(action.edit, {uri: (1, source)}).values()
        (code,) = (item.code for item in action.diagnostics or ())
        assert text.count("\n") - source.count("\n") <= 2
        again = Examined(Document(uri, 2, str(path), Text(text)), context, ecosystems, options)
        rules = [item.rule for item in examined.findings]
        assert [item.rule for item in again.findings].count(str(code)) < rules.count(str(code))
    fixed = examined.repaired.data.decode()
    assert every == ([{uri: fixed}] if fixed != source else [])


def test_why_there_is_no_fix(examine: Examine) -> None:
    text = HEAD + "COPY . .\nRUN ./strange \U0001f600\nRUN npm ci\n"
    examined = examine(text)
    (found,) = diagnostics(examined)
    reason = "line 4 (RUN ./strange \U0001f600) stands between the copy and the download and may need the source"
    assert found.message.endswith(f"\nno fix: {reason}")
    (related,) = found.related_information or ()
    assert (related.message, related.location.uri) == (reason, URI)
    assert related.location.range == Range(Position(3, 0), Position(3, 16))
    (plain,) = diagnostics(examined, related=False)
    assert plain.related_information is None
    titles = [item.title for item in actions(examined, Wanted(ALL), Abilities(), lambda path: None)]
    assert titles == ["Ignore source-before-download for this instruction"]


def test_what_could_go_is_faded(examine: Examine) -> None:
    text = HEAD + "COPY package.json package-lock.json ./\nRUN npm ci\nRUN npm ci\nCOPY . .\n"
    (found,) = diagnostics(examine(text))
    assert (found.code, found.tags) == ("redundant-download", [DiagnosticTag.Unnecessary])


@pytest.mark.parametrize(
    ("steps", "title"),
    [
        ("COPY . .\nRUN npm ci\n", "downloads 1 package from npm again on each change of: COPY . . (line 3)"),
        ("COPY package*.json ./\nRUN npm ci\n", "cached: reads package.json, package-lock.json only"),
        (
            "COPY conf /etc/conf\nCOPY package*.json ./\nRUN npm ci\n",
            "downloads 1 package from npm again when one of these changes: COPY conf /etc/conf (line 3)",
        ),
        ("COPY . .\nRUN --mount=type=cache,target=/root/.npm npm ci\n", "a cache mount keeps 1 package from npm"),
        ("RUN npm install -g a\n", "cached: downloads the packages from npm, and reads no file of the build context"),
        ("ARG X\nCOPY $X .\nRUN npm ci\n", "downloads the packages from npm"),
        ("COPY . .\nRUN npm run build\n", None),
        ("COPY . .\nRUNN npm ci\n", None),
    ],
)
def test_lens(examine: Examine, steps: str, title: str | None) -> None:
    found = lenses(examine(HEAD + steps))
    titles = [(item.range.start.line, item.command.title) for item in found if item.command is not None]
    assert titles == ([] if title is None else [(1 + (HEAD + steps).count("\n") - 2, title)])


def _shown(answer: Hover | None) -> str:
    assert answer is not None
    assert isinstance(answer.contents, MarkupContent)
    return answer.contents.value


def test_hover(examine: Examine) -> None:
    text = HEAD + "# why\nENV A=`x`_*y*\nCOPY . .\nRUN true && \\\n    npm ci\n"
    examined = examine(text)
    assert hover(examined, Position(2, 0)) is None
    env = hover(examined, Position(3, 2))
    assert env is not None
    assert env.range == Range(Position(3, 0), Position(3, 13))
    run = hover(examined, Position(6, 5))
    assert run is not None
    assert run.range == Range(Position(5, 0), Position(6, 10))
    shown = _shown(run)
    assert shown.index("source-before-download") < shown.index("The layer is built again")
    assert "*Fix (safe):*" in shown
    assert "- line 6, variable ``A=`x`_*y*``: an environment variable in force" in shown
    assert "- does not need 2 files of line 5, `COPY . .`: `conf/app.ini`, `index.js`" in shown
    other = _shown(hover(examined, Position(5, 0)))
    assert "source-before-download" not in other, "the finding stands on the call, not on the step"
    plain = _shown(hover(examined, Position(6, 5), markdown=False))
    assert plain.startswith("source-before-download: every source edit")
    assert "needs: package.json, package-lock.json" in plain


def test_hover_on_a_file_that_cannot_be_built(examine: Examine) -> None:
    examined = examine("FROM node:22\nRUNN x\n")
    shown = _shown(hover(examined, Position(1, 0)))
    assert shown.startswith("**error** `invalid-dockerfile`: ")
    assert "The layer" not in shown
    assert hover(examined, Position(0, 0)) is None


def test_rules_that_are_not_selected_are_silent(examine: Examine) -> None:
    examined = examine("FROM node:22\nRUNN x\n", rules=frozenset({"missing-lockfile"}))
    assert diagnostics(examined) == []
    assert hover(examined, Position(1, 0)) is None
    assert lenses(examined) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("COPY a b", "`COPY a b`"),
        ("a`b", "``a`b``"),
        ("`a` ``", "``` `a` `` ```"),
        ("", "`  `"),
        ("a\nb\x1b[31m", "`a\u240ab\u241b[31m`"),
        ("x" * 200, f"`{'x' * 160}...`"),
    ],
)
def test_code(text: str, shown: str) -> None:
    assert code(text) == shown


def test_prose() -> None:
    assert prose("run `a_b` on *<b>x</b>* [y](z) a_b") == ("run `a_b` on \\*\\<b\\>x\\</b\\>\\* \\[y\\](z) a\\_b")
    assert prose("a\nb") == "a\u240ab", "no text makes a paragraph, a list or a heading of its own"
    assert fenced(["- a", "+ ```"], "diff") == "````diff\n- a\n+ ```\n````"


def test_an_editor_that_knows_no_versions(examine: Examine) -> None:
    text = HEAD + "COPY . .\nRUN npm ci\n"
    found = actions(examine(text), Wanted(ALL), Abilities(versioned=False), lambda path: None)
    assert [item.edit.document_changes for item in found if item.edit] == [None] * 3
    assert all(list(applied(item.edit, {URI: (3, text)})) == [URI] for item in found)


def test_text_that_no_editor_can_take(examine: Examine, ecosystems: tuple[Ecosystem, ...], options: Options) -> None:
    examined = examine(HEAD + "COPY . .\nRUN npm ci\n")
    (finding,) = examined.findings
    assert finding.fix is not None
    odd = finding.fix._replace(edits=tuple(edit._replace(text=b"COPY \xff .\n") for edit in finding.fix.edits))
    report = examined.report._replace(findings=(finding._replace(fix=odd),))
    examined.report = report
    found = actions(examined, Wanted(ALL, ["quickfix"]), Abilities(), lambda path: None)
    assert [item.title for item in found] == ["Ignore source-before-download for this instruction"]


def test_comments_of_ours(examine: Examine) -> None:
    text = HEAD + "# dockerlayer: ignore[missing-lockfile]\nCOPY . .\n# dockerlayer: ignore[nosuch]\nCMD x\n"
    examined = examine(text)
    unused, unknown = diagnostics(examined)
    assert (unused.code, unused.tags) == ("unused-suppression", [DiagnosticTag.Unnecessary])
    assert (unknown.code, unknown.tags) == ("invalid-suppression", None)
    fix, every = actions(examined, Wanted(ALL), Abilities(), lambda path: None)
    assert (fix.title, fix.is_preferred) == ("remove the comment", True)
    assert every.kind == "source.fixAll.dockerlayer"
