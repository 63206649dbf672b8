"""Cargo: what a command line is read as, what the readers make of manifests and lockfiles, hostile ones included."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerlayer.api import Context, Fetch
from dockerlayer.checks.survey import Survey
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules._cargolock import fits, locked_packages
from dockerlayer_rules._cargotoml import targets_of
from dockerlayer_rules.cargo import ecosystem

MANIFEST = '[package]\nname = "app"\nversion = "0.1.0"\n\n[dependencies]\nitoa = "1.0"\n'
LOCK = (
    'version = 4\n\n[[package]]\nname = "app"\nversion = "0.1.0"\ndependencies = [\n "itoa",\n]\n\n[[package]]\n'
    'name = "itoa"\nversion = "1.0.15"\nsource = "registry+https://registry.example.com/index"\n'
)
FILES = {"Cargo.toml": MANIFEST, "Cargo.lock": LOCK, "src/main.rs": "fn main() {}\n"}


def fetches(root: Path, run: str, files: dict[str, str | bytes] | None = None) -> list[Fetch]:
    for name, content in {**FILES, **(files or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    data = f"FROM rust:1.85\nWORKDIR /app\nCOPY . .\nRUN {run}\n".encode()
    survey = Survey(Analysis(parse(data), Context.open(root)), [ecosystem])
    return [seen.fetch for step in survey.steps() for seen in survey.sightings(step)]


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("cargo", None),
        ("cargo --version", None),
        ("cargo -V", None),
        ("cargo --list", None),
        ("cargo help build", None),
        ("cargo build --help", None),
        ("cargo fmt --check", None),
        ("cargo clean", None),
        ("cargo new app", None),
        ("cargo xtask dist", None),
        ("cargo chef prepare --recipe-path recipe.json", None),
        ("cargo build --frozen", None),
        ("cargo --offline build", None),
        ("CARGO_NET_OFFLINE=true cargo build", None),
        ("cargo --config net.offline=true build", None),
        ("cargo install", None),
        ("cargo install --list", None),
        ("cargo $VERB", None),
        ("echo cargo build", None),
        ("./cargo build", None),
        ("rustup target add wasm32-wasip1", None),
        ("rustc --version", None),
        ("cargo build", "build"),
        ("cargo b -r", "build"),
        ("cargo -v build --release", "build"),
        ("cargo +nightly build", "build"),
        ("cargo --locked build", "build"),
        ("cargo t", "build"),
        ("cargo r -- --frozen", "build"),
        ("cargo clippy -- -D warnings", "build"),
        ("cargo doc --no-deps", "build"),
        ("cargo bench", "build"),
        ("cargo nextest run", "build"),
        ("cargo zigbuild", "build"),
        ("xx-cargo build", "build"),
        ("cargo fetch", "build"),
        ("cargo update", "build"),
        ("cargo vendor", "build"),
        ("cargo install --path .", "build"),
        ("cargo install --path=. --root /usr/local", "build"),
        ("cargo install cargo-audit", "tool"),
        ("cargo install --git https://git.example.com/tool.git", "tool"),
        ("cargo +stable install --locked --version 1.2.3 cargo-audit", "tool"),
        ("cargo binstall -y cargo-audit", "tool"),
        ("/usr/local/cargo/bin/cargo build", "build"),
    ],
)
def test_spellings(tmp_path: Path, command: str, kind: str | None) -> None:
    assert [fetch.kind for fetch in fetches(tmp_path, command)] == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    ("requirement", "version", "allowed"),
    [
        ("1.0", "1.9.3", True),
        ("1.2.3", "1.2.2", False),
        ("0.2", "0.3.0", False),
        ("0.2.3", "0.2.9", True),
        ("0.0.3", "0.0.4", False),
        ("0", "0.9.9", True),
        ("~1.2", "1.3.0", False),
        ("~1", "1.9.0", True),
        ("=1.2", "1.2.9", True),
        ("*", "3.0.0", True),
        ("1.2.*", "1.3.0", False),
        (">=1.2, <1.5", "1.4.9", True),
        (">=1.2, <1.5", "1.5.0", False),
        (">1.2", "1.2.9", False),
        ("<=1.2", "1.2.9", True),
        ("1.0.0-rc.1", "1.0.0-rc.1", True),
        ("1.0.0-rc.1", "1.0.0", None),
        ("1", "1.0.0-beta", None),
        ("newest", "1.0.0", None),
    ],
)
def test_requirements(requirement: str, version: str, allowed: bool | None) -> None:
    assert fits(requirement, version) is allowed


def test_old_lockfiles_are_read() -> None:
    text = (
        '[[package]]\nname = "app"\nversion = "0.1.0"\ndependencies = [\n "itoa 1.0.15 (registry+x)",\n]\n\n'
        '[[package]]\nname = "itoa"\nversion = "1.0.15"\nsource = "registry+x"\n\n[metadata]\n"checksum itoa" = "0"\n'
    )
    app, itoa = locked_packages(text)
    assert (app.name, app.dependencies) == ("app", ("itoa 1.0.15 (registry+x)",))
    assert (itoa.version, itoa.source) == ("1.0.15", "registry+x")


@pytest.mark.parametrize(
    ("manifest", "files", "targets"),
    [
        ({"package": {"name": "app"}}, ["src/main.rs", "src/lib.rs"], ["src/lib.rs"]),
        ({"package": {"name": "app"}}, ["src/main.rs"], ["src/main.rs"]),
        ({"package": {"name": "app"}}, ["src/bin/a.rs", "src/bin/b.rs"], ["src/bin/a.rs"]),
        ({"package": {"name": "app"}}, ["src/bin/a/main.rs"], ["src/bin/a/main.rs"]),
        ({"package": {"name": "app"}}, ["README.md"], None),
        ({"package": {"name": "app", "autobins": False}}, ["src/main.rs"], None),
        ({"package": {"name": "app"}, "bin": [{"name": "a", "path": "a.rs"}]}, [], []),
        ({"package": {"name": "app"}, "bin": [{"name": "a"}]}, ["src/bin/a.rs"], ["src/bin/a.rs"]),
        ({"package": {"name": "app"}, "bin": [{"name": "app"}]}, ["src/main.rs"], ["src/main.rs"]),
        ({"package": {"name": "app"}, "lib": {}}, ["src/main.rs"], None),
        ({"package": {"name": "app"}, "lib": {"path": "l.rs"}}, [], []),
        ({"package": {"name": "app", "links": "z"}}, ["build.rs", "src/lib.rs"], ["build.rs", "src/lib.rs"]),
        ({"package": {"name": "app", "links": "z", "build": "b.rs"}}, ["src/lib.rs"], ["src/lib.rs"]),
        ({"package": {"name": "app", "default-run": "b"}}, ["src/main.rs", "src/bin/b.rs"],
         ["src/bin/b.rs", "src/main.rs"]),
        ({"package": 3, "bin": "", "lib": []}, ["src/lib.rs"], ["src/lib.rs"]),
    ],
)  # fmt: skip
def test_targets(tmp_path: Path, manifest: dict[str, object], files: list[str], targets: list[str] | None) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert targets_of(Context.open(tmp_path), "", manifest) == targets


def test_members_are_told(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n',
        "crates/a/Cargo.toml": MANIFEST,
        "crates/a/src/lib.rs": "",
    }
    (fetch,) = fetches(tmp_path, "cargo build", files)
    assert fetch.members == ("crates/a/Cargo.toml",)
    assert fetch.without_member == "leaves its packages out and exits 0"
    assert fetch.needs == ("Cargo.toml", "Cargo.lock", "crates/a/Cargo.toml")


HOSTILE: list[dict[str, str | bytes]] = [
    {"Cargo.toml": ""},
    {"Cargo.toml": b"\xff\xfe\x00"},
    {"Cargo.toml": "a = " + "[" * 20000},
    {"Cargo.toml": "package = 1\nworkspace = 2\n"},
    {"Cargo.toml": "[workspace]\nmembers = 7\n"},
    {"Cargo.toml": '[workspace]\nmembers = ["[z-a]/*", "../../../x"]\n'},
    {"Cargo.toml": '[workspace]\nmembers = ["/etc", "."]\n'},
    {"Cargo.toml": '[package]\nname = 1\nworkspace = "../.."\n'},
    {"Cargo.toml": '[package]\nname = "a"\n[dependencies]\nb = { path = "." }\nc = { workspace = true }\nd = 4\n'},
    {"Cargo.toml": '[package]\nname = "a"\n[target]\nx = 1\n[patch]\ny = 2\n[replace]\nz = 3\n'},
    {"Cargo.toml": '[package]\nname = "a"\n[patch.crates-io]\nitoa = { path = 5 }\n'},
    {"Cargo.lock": b"\xff\xfe[[package]]\nname = \x00"},
    {"Cargo.lock": "[[package]]\n" * 100_000},
    {"Cargo.lock": 'version = 4\n[[package]]\nname = "x"\nversion = "1"\ndependencies = [\n "",\n "  ",\n]\n'},
    {"Cargo.lock": "x" * 5_000_000},
    {".cargo/config.toml": b"\xff"},
    {".cargo/config.toml": "source = 1\nnet = 2\npatch = 3\nunstable = 4\n"},
    {".cargo/config.toml": '[source.crates-io]\nreplace-with = "a"\n[source.a]\nreplace-with = "crates-io"\n'},
    {"rust-toolchain.toml": b"\x00\xff"},
]


@pytest.mark.parametrize("files", HOSTILE, ids=lambda files: str(next(iter(files.items())))[:50])
def test_hostile_files(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    for fetch in fetches(tmp_path, "cargo build && cargo install tool", files):
        assert fetch.split is None or not {"Cargo.toml", "Cargo.lock"} & files.keys()


def test_local_packages_in_a_circle(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "Cargo.toml": '[package]\nname = "app"\n[dependencies]\nb = { path = "b" }\nitoa = "1"\n',
        "b/Cargo.toml": '[package]\nname = "b"\n[dev-dependencies]\napp = { path = ".." }\n',
        "b/src/lib.rs": "",
    }
    assert len(fetches(tmp_path, "cargo build", files)) == 1


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "crates").symlink_to(tmp_path / "crates")
    (found,) = fetches(tmp_path, "cargo build", {"Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n'})
    assert found.blocked is not None
    assert found.blocked.code == "no-packages"
