"""The house rules that no type checker knows: which room imports which, and that the core names no ecosystem."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "dockerlayer"
PLUGINS = ROOT / "rules" / "dockerlayer_rules"
MODULES = sorted(CORE.rglob("*.py"))
SOURCES = [*MODULES, *sorted(PLUGINS.rglob("*.py")), *sorted((ROOT / "tests").rglob("*.py"))]

# Each room may import from the rooms above it and from itself; a single file is a room too.
ROOMS = (
    ("errors", "findings"),
    ("source", "git"),
    ("syntax",),
    ("discovery",),
    ("builds",),
    ("model",),
    ("api",),
    ("registry", "config"),
    ("checks",),
    ("rewrite",),
    ("engine", "baseline", "why"),
    ("agreement",),
    ("verify",),
    ("report", "testing"),
    ("lsp",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
THIRD_PARTY = {
    "builds": {"tree_sitter", "tree_sitter_hcl", "yaml"},
    "syntax": {"tree_sitter", "tree_sitter_bash"},
    "model": {"dockerfile_parse"},
    "testing": {"dockerfile_parse"},
    "report": {"rich"},
    "lsp": {"lsprotocol", "pygls"},
    "cli": {"typer", "rich", "click"},
}

ECOSYSTEMS = re.compile(
    r"\b(?:npm|npx|pnpm|yarn|bun|deno|node_modules|package\.json|cargo|crates?|composer|bundler?|gems?|gemfile|poetry"
    r"|pdm|pipenv|gradle|maven|mvn|nuget|dotnet|pip3?|pypi|requirements\.txt|pyproject|golang|go mod|go\.(?:mod|sum)"
    r"|conda|uv)\b",
    re.IGNORECASE,
)
# Examples in rule pages, where an invented tool would help nobody, how to install an extra of our own, and words that
# only look like a name.
NAMED_ON_PURPOSE = {
    "checks/rules.py": {"pip"},
    "cli/config.py": {"pyproject"},
    "config/document.py": {"pyproject"},
    "cli/editor.py": {"pip"},
    "cli/lsp.py": {"pip"},
    "discovery.py": {"node_modules"},
}


def identify(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    inside = path.relative_to(CORE)
    return inside.parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """The full name of each imported module, its line, and whether it is imported with the file itself."""
    tree = ast.parse(path.read_text("utf-8"))
    package = ".".join(path.relative_to(ROOT).with_suffix("").parts[:-1])
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, f"{identify(path)}:{node.lineno} imports from a package above"
            module = f"{package}.{node.module}" if node.level else node.module or ""
            inside = ROOT.joinpath(*module.split(".")).is_dir()
            for name in node.names:
                yield f"{module}.{name.name}" if inside else module, node.lineno, id(node) in top


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_rooms_import_one_way(path: Path) -> None:
    if path == CORE / "__init__.py":
        assert not list(imports(path))
        return
    room = room_of(path)
    for module, line, _ in imports(path):
        parts = module.split(".")
        if parts[0] == "dockerlayer" and len(parts) > 1 and parts[1] != "__version__":
            other = parts[1]
            assert other == room or LEVEL[other] < LEVEL[room], f"{identify(path)}:{line} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_core_uses_few_packages(path: Path) -> None:
    allowed = THIRD_PARTY.get(room_of(path), set())
    for module, line, _ in imports(path):
        first = module.partition(".")[0]
        known = first in sys.stdlib_module_names or first in {"dockerlayer", *allowed}
        assert known, f"{identify(path)}:{line} imports {module}"


@pytest.mark.parametrize("path", sorted(PLUGINS.glob("*.py")), ids=identify)
def test_plugins_reach_no_further_than_the_api(path: Path) -> None:
    for module, line, at_top in imports(path):
        first = module.partition(".")[0]
        ours = module.startswith(("dockerlayer.api", "dockerlayer_rules"))
        lazy = first in {"libcst", "yaml"} and not at_top
        standard = first in sys.stdlib_module_names
        assert ours or lazy or standard, f"{identify(path)}:{line} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_core_names_no_ecosystem(path: Path) -> None:
    allowed = NAMED_ON_PURPOSE.get(path.relative_to(CORE).as_posix(), set())
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        named = {word.lower() for word in ECOSYSTEMS.findall(line)} - allowed
        assert not named, f"{identify(path)}:{number} names {', '.join(sorted(named))}"


@pytest.mark.parametrize("path", SOURCES, ids=identify)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import dockerlayer; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.split() == ["dockerlayer"]
