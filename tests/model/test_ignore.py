"""The data of the first tables is that of moby/patternmatcher's own tests (Apache-2.0)."""

from __future__ import annotations

import time

import pytest

from dockerlayer.model.ignore import IgnoreRules, MalformedPatternError, copy_glob, read_patterns

WHEEL = "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl"

SINGLE = [
    ("**", "file", True),
    ("**", "file/", True),
    ("**/", "file", True),
    ("**/", "file/", True),
    ("**", "/", True),
    ("**/", "/", True),
    ("**", "dir/file", True),
    ("**/", "dir/file", True),
    ("**", "dir/file/", True),
    ("**/", "dir/file/", True),
    ("**/**", "dir/file", True),
    ("**/**", "dir/file/", True),
    ("dir/**", "dir/file", True),
    ("dir/**", "dir/file/", True),
    ("dir/**", "dir/dir2/file", True),
    ("dir/**", "dir/dir2/file/", True),
    ("**/dir", "dir", True),
    ("**/dir", "dir/file", True),
    ("**/dir2/*", "dir/dir2/file", True),
    ("**/dir2/*", "dir/dir2/file/", True),
    ("**/dir2/**", "dir/dir2/dir3/file", True),
    ("**/dir2/**", "dir/dir2/dir3/file/", True),
    ("**file", "file", True),
    ("**file", "dir/file", True),
    ("**/file", "dir/file", True),
    ("**file", "dir/dir/file", True),
    ("**/file", "dir/dir/file", True),
    ("**/file*", "dir/dir/file", True),
    ("**/file*", "dir/dir/file.txt", True),
    ("**/file*txt", "dir/dir/file.txt", True),
    ("**/file*.txt", "dir/dir/file.txt", True),
    ("**/file*.txt*", "dir/dir/file.txt", True),
    ("**/**/*.txt", "dir/dir/file.txt", True),
    ("**/**/*.txt2", "dir/dir/file.txt", False),
    ("**/*.txt", "file.txt", True),
    ("**/**/*.txt", "file.txt", True),
    ("a**/*.txt", "a/file.txt", True),
    ("a**/*.txt", "a/dir/file.txt", True),
    ("a**/*.txt", "a/dir/dir/file.txt", True),
    ("a/*.txt", "a/dir/file.txt", False),
    ("a/*.txt", "a/file.txt", True),
    ("a/*.txt**", "a/file.txt", True),
    ("a[b-d]e", "ae", False),
    ("a[b-d]e", "ace", True),
    ("a[b-d]e", "aae", False),
    ("a[^b-d]e", "aze", True),
    (".*", ".foo", True),
    (".*", "foo", False),
    ("abc.def", "abcdef", False),
    ("abc.def", "abc.def", True),
    ("abc.def", "abcZdef", False),
    ("abc?def", "abcZdef", True),
    ("abc?def", "abcdef", False),
    ("a\\\\", "a\\", True),
    ("**/foo/bar", "foo/bar", True),
    ("**/foo/bar", "dir/foo/bar", True),
    ("**/foo/bar", "dir/dir2/foo/bar", True),
    ("abc/**", "abc", False),
    ("abc/**", "abc/def", True),
    ("abc/**", "abc/def/ghi", True),
    ("**/.foo", ".foo", True),
    ("**/.foo", "bar.foo", False),
    ("a(b)c/def", "a(b)c/def", True),
    ("a(b)c/def", "a(b)c/xyz", False),
    ("a.|)$(}+{bc", "a.|)$(}+{bc", True),
    (WHEEL, WHEEL, True),
    ("dist/*.whl", WHEEL, True),
    ("a\\*b", "a*b", True),
    ("*", "fileutils.go", True),
    ("*.go", "fileutils.go", True),
    ("*.go", ".", False),
]

SEVERAL = [
    (["**", "!util/docker/web"], "util/docker/web/foo", False),
    (["**", "!util/docker/web", "util/docker/web/foo"], "util/docker/web/foo", True),
    (["**", "!" + WHEEL], WHEEL, False),
    (["**", "!dist/*.whl"], WHEEL, False),
    (["!fileutils.go", "*.go"], "fileutils.go", True),
    (["docs", "!docs/README.md"], "docs/README.md", False),
    (["docs/", "!docs/README.md"], "docs/README.md", False),
    (["docs/*", "!docs/README.md"], "docs/README.md", False),
    (["*.go", "!fileutils.go"], "fileutils.go", False),
    ([], "/any/path/there", False),
    (["docs", "  !docs/README.md"], "docs/README.md", False),
    (["docs", "!docs/README.md  "], "docs/README.md", False),
]

# patternmatcher's copy of Go's filepath.Match tests; None stands for ErrBadPattern.
MATCH: list[tuple[str, str, bool | None]] = [
    ("abc", "abc", True),
    ("*", "abc", True),
    ("*c", "abc", True),
    ("a*", "a", True),
    ("a*", "abc", True),
    ("a*", "ab/c", True),
    ("a*/b", "abc/b", True),
    ("a*/b", "a/c/b", False),
    ("a*b*c*d*e*/f", "axbxcxdxe/f", True),
    ("a*b*c*d*e*/f", "axbxcxdxexxx/f", True),
    ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", False),
    ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", False),
    ("a*b?c*x", "abxbbxdbxebxczzx", True),
    ("a*b?c*x", "abxbbxdbxebxczzy", False),
    ("ab[c]", "abc", True),
    ("ab[b-d]", "abc", True),
    ("ab[e-g]", "abc", False),
    ("ab[^c]", "abc", False),
    ("ab[^b-d]", "abc", False),
    ("ab[^e-g]", "abc", True),
    ("a\\*b", "a*b", True),
    ("a\\*b", "ab", False),
    ("a?b", "a☺b", True),
    ("a[^a]b", "a☺b", True),
    ("a???b", "a☺b", False),
    ("a[^a][^a][^a]b", "a☺b", False),
    ("[a-ζ]*", "α", True),
    ("*[a-ζ]", "A", False),
    ("a?b", "a/b", False),
    ("a*b", "a/b", False),
    ("[\\]a]", "]", True),
    ("[\\-]", "-", True),
    ("[x\\-]", "x", True),
    ("[x\\-]", "-", True),
    ("[x\\-]", "z", False),
    ("[\\-x]", "x", True),
    ("[\\-x]", "-", True),
    ("[\\-x]", "a", False),
    ("[]a]", "]", None),
    ("[-]", "-", None),
    ("[x-]", "x", None),
    ("[x-]", "-", None),
    ("[x-]", "z", None),
    ("[-x]", "x", None),
    ("[-x]", "-", None),
    ("[-x]", "a", None),
    ("\\", "a", None),
    ("[a-b-c]", "a", None),
    ("[", "a", None),
    ("[^", "a", None),
    ("[^bc", "a", None),
    ("a[", "a", None),
    ("a[", "ab", None),
    ("*x", "xxx", True),
]


def rules(*patterns: str) -> IgnoreRules:
    return IgnoreRules.parse("\n".join(patterns).encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(("pattern", "text", "expected"), SINGLE)
def test_patternmatcher_single(pattern: str, text: str, expected: bool) -> None:
    parsed = rules(pattern)
    assert parsed.problems == ()
    assert parsed.ignored(text) is expected


@pytest.mark.parametrize(("patterns", "text", "expected"), SEVERAL)
def test_patternmatcher_several(patterns: list[str], text: str, expected: bool) -> None:
    parsed = rules(*patterns)
    assert parsed.problems == ()
    assert parsed.ignored(text) is expected


@pytest.mark.parametrize(("pattern", "text", "expected"), MATCH)
def test_patternmatcher_match_table(pattern: str, text: str, expected: bool | None) -> None:
    parsed = rules(pattern)
    assert [line for line, _ in parsed.problems] == ([1] if expected is None else [])
    assert parsed.ignored(text) is bool(expected)


@pytest.mark.parametrize(("pattern", "text", "expected"), MATCH)
def test_copy_glob_match_table(pattern: str, text: str, expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(MalformedPatternError):
            copy_glob(pattern)
        return
    # Ignoring a directory ignores what is in it; filepath.Match knows nothing of that.
    assert bool(copy_glob(pattern).match(text)) is (expected and (pattern, text) != ("a*", "ab/c"))


@pytest.mark.parametrize("pattern", ["!", "! ", "!/", "[", "[Local-Only]/", "a[b", "dir\\", "src\\project\\*.cs"])
def test_malformed_patterns_are_problems_and_the_rest_still_counts(pattern: str) -> None:
    parsed = rules("*.log", pattern, "tmp")
    assert [line for line, _ in parsed.problems] == [2]
    assert (parsed.ignored("a.log"), parsed.ignored("tmp/x"), parsed.ignored("x")) == (True, True, False)


@pytest.mark.parametrize("pattern", ["a|*", "*{2}", "[[:alpha:]]x", "a/" + "**/x/" * 40])
def test_patterns_that_are_not_supported_are_problems(pattern: str) -> None:
    assert [line for line, _ in rules(pattern).problems] == [1]


def test_read_patterns_table() -> None:
    content = b"test1\n/test2\n/a/file/here\n\nlastfile\n# this is a comment\n! /inverted/abs/path\n!\n! "
    assert read_patterns(content) == (
        [
            (1, "test1"),
            (2, "test2"),
            (3, "a/file/here"),
            (5, "lastfile"),
            (7, "!inverted/abs/path"),
            (8, "!"),
            (9, "!"),
        ],
        [],
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\xef\xbb\xbf# comment\na\n", [(2, "a")]),
        (b"\xef\xbb\xbfa", [(1, "a")]),
        (b"a\r\n\r\nb\r\n", [(1, "a"), (3, "b")]),
        (b" # not a comment", [(1, "# not a comment")]),
        (b"\t a b \t", [(1, "a b")]),
        (b"./a/../b//c/", [(1, "b/c")]),
        (b"//a", [(1, "a")]),
        (b"/", [(1, "/")]),
        (b"..//x", [(1, "../x")]),
        (b"\xff.bin", [(1, "\udcff.bin")]),
    ],
)
def test_read_patterns(data: bytes, expected: list[tuple[int, str]]) -> None:
    assert read_patterns(data) == (expected, [])


def test_line_too_long_for_docker_is_a_problem() -> None:
    parsed = IgnoreRules.parse(b"a\n" + b"x" * 65536 + b"\nb\n")
    assert [line for line, _ in parsed.problems] == [2]
    assert parsed.ignored("a")
    assert IgnoreRules.parse(b"x" * 65535).problems == ()


@pytest.mark.parametrize(
    ("patterns", "ignored", "kept"),
    [
        (["*.md"], ["a.md", "a.md/x"], ["docs/a.md"]),
        (["**/*.md"], ["a.md", "docs/a.md", "docs/x/a.md"], ["a.mdx"]),
        (["*", "!src"], ["a", "a/b", "srcs"], ["src", "src/a", "src/a/b"]),
        (["*", "!src", "src/*.tmp"], ["src/a.tmp", "a"], ["src/a", "src/x/a.tmp"]),
        (["!src", "*"], ["src", "src/a"], []),
        (["*.log", "!keep.log", "keep.log"], ["keep.log"], ["keep"]),
        (["node_modules"], ["node_modules/x"], ["app/node_modules/x", "Node_modules"]),
        (["/dist/"], ["dist", "dist/a"], ["app/dist"]),
        (["*.{js,ts}"], ["a.{js,ts}"], ["a.js"]),
        (["src\\test"], [], ["src/test", "src\\test"]),
        (["..", "../x", ".", "/"], [], ["x", "a/x"]),
        (["\udcff*"], ["\udcffa"], ["\udcfea", "a"]),
        (["**/*a*b*c*d*"], ["x/1a2b3c4d5", "abcd/x"], ["x/a/bcd", "abdc"]),
        (["a/**/b/**/c/**/d*"], ["a/b/c/d", "a/1/2/b/c/3/d4", "a/b/c/d/x"], ["a/b/d", "b/c/d"]),
    ],
)
def test_meaning(patterns: list[str], ignored: list[str], kept: list[str]) -> None:
    parsed = rules(*patterns)
    assert parsed.problems == ()
    assert [path for path in ignored if not parsed.ignored(path)] == []
    assert [path for path in kept if parsed.ignored(path)] == []


def test_a_parent_is_not_asked_again_as_in_buildkits_walk() -> None:
    assert rules("**/*.log", "!keep").ignored("keep/x.log")
    assert not rules("a", "!a/b", "a").ignored("a/b")


def test_the_root_is_never_ignored() -> None:
    assert not rules("**").ignored("")
    assert not rules("**").ignored(".")
    assert not rules("**").may_prune("")


@pytest.mark.parametrize(
    ("patterns", "prunable", "entered"),
    [
        (["node_modules"], ["node_modules", "node_modules/a"], ["src"]),
        (["*", "!src/app/x.py"], ["docs", "src/lib", "src/app/y"], ["src", "src/app"]),
        (["*", "!**/*.py"], [], ["docs", "docs/a"]),
        (["**/*.md", "!**/*.py", "docs"], ["docs", "docs/a"], ["src"]),
        (["*", "!**/*.py", "docs"], [], ["docs/a", "src"]),
        (["*", "!*/package.json"], ["a/b"], ["a"]),
        (["*", "!src/**"], ["docs"], ["src", "src/a"]),
        (["*", "!*.md"], ["docs"], []),
        (["*", "!s[rq]c/x"], ["docs"], ["src", "sqc"]),
        (["!docs", "docs"], ["docs"], []),
    ],
)
def test_may_prune(patterns: list[str], prunable: list[str], entered: list[str]) -> None:
    parsed = rules(*patterns)
    assert [path for path in prunable if not parsed.may_prune(path)] == []
    assert [path for path in entered if parsed.may_prune(path)] == []


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*.py", ["a.py", ".py"], ["a.pyc", "x/a.py"]),
        ("**", ["a"], ["a/b"]),
        ("a/*/c", ["a/b/c"], ["a/c", "a/b/b/c"]),
        ("[!a]", ["!", "a"], ["b"]),
        ("[^a-c]x", ["dx"], ["ax"]),
        ("[c-a]", [], ["a", "b", "c"]),
        ("\\[a\\]", ["[a]"], ["a"]),
        ("?", ["é", "\udcff", "\n"], ["ab", "/"]),
        ("a*b*c", ["abc", "axbxc", "abcbc"], ["acb"]),
        ("$(a).^", ["$(a).^"], ["a"]),
    ],
)
def test_copy_glob(pattern: str, matching: list[str], other: list[str]) -> None:
    glob = copy_glob(pattern)
    assert [text for text in matching if not glob.match(text)] == []
    assert [text for text in other if glob.match(text)] == []


@pytest.mark.parametrize("pattern", ["*a" * 30 + "b", "**/*a" * 12 + "b", "a**" * 20 + "b"])
def test_hostile_patterns_end_soon(pattern: str) -> None:
    started = time.monotonic()
    assert not rules(pattern).ignored("a" * 250 + "/" + "a" * 250)
    assert not copy_glob(pattern).match("a" * 250)
    assert time.monotonic() - started < 5
