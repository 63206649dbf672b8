"""Dummy sources of Cargo: what tells it to compile again, and what does not (measured with cargo 1.85)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerlayer.api import Applicability, Ecosystem, Finding
from dockerlayer.engine import Options, context_for, examine
from dockerlayer.testing import assert_guarded

RULES = frozenset({"compiled-dummy-source", "leftover-dummy-source"})
DUMMY = "RUN mkdir src && echo 'fn main() { println!(\"dummy\"); }' > src/main.rs"
MANIFEST = '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n'
LOCKFILE = 'version = 4\n\n[[package]]\nname = "app"\nversion = "0.1.0"\n'


def found(folder: Path, text: str, ecosystems: tuple[Ecosystem, ...], **sources: str) -> tuple[Finding, ...]:
    """The findings in a Dockerfile beside a package whose files in src are ``sources``, by name without ``.rs``."""
    (folder / "Cargo.toml").write_text(MANIFEST)
    (folder / "Cargo.lock").write_text(LOCKFILE)
    (folder / "src").mkdir()
    for name, source in (sources or {"main": 'fn main() { println!("app"); }\n'}).items():
        (folder / f"src/{name}.rs").write_text(source)
    path = folder / "Dockerfile"
    path.write_text(text)
    return tuple(examine(path.read_bytes(), context_for(path, folder), ecosystems, Options(RULES)).findings)


def dockerfile(compile_: str, between: str = "", build: str = "cargo build --release", base: str = "rust:1.85") -> str:
    lines = f"FROM {base}", "WORKDIR /app", "COPY Cargo.toml Cargo.lock ./", f"{DUMMY} && {compile_}", between
    return "\n".join((*filter(None, lines), "COPY src src", f"RUN {build}", ""))


@pytest.mark.parametrize(
    ("between", "build"),
    [
        ("", "cargo build --release"),
        ("", "cargo build -r --bin app --offline"),
        ("", "cargo install --path ."),
        ("RUN rm -rf src", "cargo build --release"),
        ("RUN rm -f target/release/app", "cargo build --release"),
        ("RUN rm -f target/release/app*", "cargo build --release"),
        ("RUN cargo clean -p app", "cargo build --release"),
        ("RUN chown -R root:root .", "cargo build --release"),
        ("RUN apt-get update && apt-get install -y cmake", "cargo build --release"),
    ],
)
def test_bites(between: str, build: str, tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    (finding,) = found(tmp_path, dockerfile("cargo build --release", between, build), ecosystems)
    assert finding.rule == "compiled-dummy-source"
    assert finding.fix is not None
    assert finding.fix.applicability is Applicability.SAFE
    assert finding.fix.edits[0].text == b"touch src/main.rs \\\n    && "


@pytest.mark.parametrize(
    ("compile_", "between", "build"),
    [
        ("cargo build --release", "RUN rm target/release/deps/app*", "cargo build --release"),
        ("cargo build --release", "RUN rm -rf target/release/.fingerprint/app-*", "cargo build --release"),
        ("cargo build --release", "RUN rm -rf ./target", "cargo build --release"),
        ("cargo build --release", "RUN cargo clean -r -p app", "cargo build --release"),
        ("cargo build --release", "RUN cargo clean", "cargo build --release"),
        ("cargo build --release", "", "touch src/main.rs && cargo build --release"),
        ("cargo build --release", "", "find src -name '*.rs' | xargs touch && cargo build --release"),
        ("cargo build --release", "", "echo '// real' >> src/main.rs && cargo build --release"),
        ("cargo build --release", "", "cargo build"),
        ("cargo build --release", "", "cargo build --release --target x86_64-unknown-linux-gnu"),
        ("cargo build --release", "", "RUSTFLAGS=-g cargo build --release"),
        ("cargo build --release", "ENV RUSTFLAGS=-g", "cargo build --release"),
        ("cargo build --release", "", "cargo +nightly build --release"),
        ("cargo build --release", "RUN ./prepare", "cargo build --release"),
        ("cargo build --release || true", "", "cargo build --release"),
        ("cargo fetch --locked", "", "cargo build --release"),
        ("true", "", "cargo build --release"),
    ],
)
def test_is_told(compile_: str, between: str, build: str, tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    assert not found(tmp_path, dockerfile(compile_, between, build), ecosystems)


@pytest.mark.parametrize("base", ["debian:trixie-slim", "ekidd/rust-musl-builder:stable"])
def test_the_user_of_another_image_is_not_known(base: str, tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    (finding,) = found(tmp_path, dockerfile("cargo build --release", base=base), ecosystems)
    assert finding.fix is not None
    assert finding.fix.applicability is Applicability.UNSAFE


def test_a_dummy_stays(tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    (finding,) = found(tmp_path, dockerfile("cargo fetch"), ecosystems, lib="pub fn one() {}\n")
    assert finding.rule == "leftover-dummy-source"
    assert finding.fix is not None
    assert finding.fix.edits[0].text == b"rm src/main.rs \\\n    && "
    assert finding.fix.applicability is Applicability.UNSAFE


def test_one_of_two_equal_runs_is_changed(tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    """The laws let one of them read otherwise, but not another run in another state."""
    text = "FROM rust:1.85\nWORKDIR /app\nRUN cargo build\nRUN cargo build\n"
    context = context_for(tmp_path / "Dockerfile", tmp_path)
    good = text[:-12] + "touch a && cargo build\n"
    assert_guarded(text.encode(), good.encode(), context, keeps_words=False)
    bad = text.replace("RUN cargo build\n", "WORKDIR /other\nRUN cargo build\n", 1)
    with pytest.raises(AssertionError):
        assert_guarded(text.encode(), bad.encode(), context, keeps_words=False)
