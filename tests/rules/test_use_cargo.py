"""Cargo: what each command does with the registry's crates, what it leaves, and which words keep it offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from use_case import UseCase, flow

from dockerlayer_rules.cargo import ecosystem


@pytest.fixture
def case(tmp_path: Path) -> UseCase:
    return UseCase(tmp_path, ecosystem, "rust:1.85")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cargo --version", None),
        ("cargo fmt --check", None),
        ("cargo chef prepare", None),
        ("rustup target add wasm32-wasip1", None),
        ("cargo fetch --locked", "fills"),
        ("cargo build --locked", "fills+takes"),
        ("cargo build --frozen", "takes"),
        ("CARGO_NET_OFFLINE=true cargo build", "takes"),
        ("cargo chef cook --release", "fills+takes"),
        ("cargo install sqlx-cli", "fills+takes"),
        ("cargo vendor", "fills+takes"),
    ],
)
def test_flow(case: UseCase, command: str, expected: str | None) -> None:
    assert flow(case.use(command)) == expected


@pytest.mark.parametrize(
    ("image", "above", "expected"),
    [
        ("rust:1.85", "", "/usr/local/cargo"),
        ("rust:1.85", "USER app", "/usr/local/cargo"),
        ("lukemathwalker/cargo-chef:latest-rust-1", "", "/usr/local/cargo"),
        ("rust:1.85", "ENV CARGO_HOME=/c", "/c"),
        ("rust:1.85", "ENV CARGO_HOME=$NOWHERE/c", ""),
        ("debian:13", "", "/root/.cargo"),
        ("debian:13", "USER app", ""),
        ("registry.example.com/builder", "", ""),
    ],
)
def test_stores(tmp_path: Path, image: str, above: str, expected: str) -> None:
    use = UseCase(tmp_path, ecosystem, image).use("cargo fetch", above)
    assert use is not None
    assert use.stores == ((f"{expected}/registry", f"{expected}/git") if expected else ())


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cargo build", ("/src/target",)),
        ("cargo build --target-dir /t", ("/t",)),
        ("CARGO_TARGET_DIR=out cargo build", ("/src/out",)),
        ("cargo build --target-dir $X", ()),
        ("cargo build --out-dir /out -Z unstable-options", ("/src/target", "/out")),
        ("cargo install --path .", ("/usr/local/cargo/bin",)),
        ("cargo install --path . --root /opt", ("/opt/bin",)),
        ("cargo fetch", ()),
        ("cargo metadata", ()),
        ("cargo vendor third", ("/src/third",)),
    ],
)
def test_leaves(case: UseCase, command: str, expected: tuple[str, ...]) -> None:
    use = case.use(command)
    assert use is not None
    assert use.leaves == expected


def test_settings_name_the_target(tmp_path: Path) -> None:
    files = {".cargo/config.toml": '[build]\ntarget-dir = "made"\n'}
    use = UseCase(tmp_path, ecosystem, "rust:1.85", files).use("cargo build")
    assert use is not None
    assert use.leaves == ("/src/made",)


def test_online(case: UseCase) -> None:
    assert case.online("cargo build --frozen --release") == ("--frozen", "cargo build --locked --release")
    assert case.online("cargo build --locked --offline") == ("--offline", "cargo build --locked")
    assert case.online("cargo build --locked --frozen") == ("--frozen", "cargo build --locked")
    assert case.online("CARGO_NET_OFFLINE=true cargo build") == ("CARGO_NET_OFFLINE=true", "cargo build")
    above = "ENV CARGO_NET_OFFLINE=true"
    assert case.online("cargo build --offline", above) == ("--offline", "cargo build --offline")


@pytest.mark.parametrize(
    ("run", "above", "expected"),
    [
        ("cargo build --locked", "RUN cargo fetch --locked", "cargo build --locked --offline"),
        ("cargo build --locked --release", "RUN cargo fetch", "cargo build --locked --release --offline"),
        ("cargo build --locked", "RUN cargo fetch --target x86_64-unknown-linux-gnu", ""),
        ("cargo build --locked", "RUN cargo fetch || true", ""),
        ("cargo build --locked", "RUN CARGO_HOME=/c cargo fetch", ""),
        ("cargo build --locked", "", None),
        ("cargo build", "RUN cargo fetch", None),
        ("cargo build --frozen", "RUN cargo fetch", None),
    ],
)
def test_nominal(case: UseCase, run: str, above: str, expected: str | None) -> None:
    use = case.use(run, above)
    assert use is not None
    nominal = use.nominal
    assert (nominal is not None) == (expected is not None)
    if nominal is not None:
        assert (case.edited(run, nominal.edits, above) if nominal.edits else "") == expected


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("cargo install --path .", "cargo install --path . --locked"),
        ("cargo install --path . --locked", None),
        ("cargo install --path . --frozen", None),
        ("cargo install sqlx-cli", None),
        ("cargo build", None),
        ("cargo update", ""),
    ],
)
def test_unpinned(case: UseCase, run: str, expected: str | None) -> None:
    use = case.use(run)
    assert use is not None
    unpinned = use.unpinned
    assert (unpinned is not None) == (expected is not None)
    if unpinned is not None:
        assert (case.edited(run, unpinned.edits) if unpinned.edits else "") == expected


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("cargo build && rm -rf /usr/local/cargo/registry", True),
        ("cargo build && rm -rf $CARGO_HOME/git", False),
        ("cargo build && rm -rf target", False),
    ],
)
def test_defeated(case: UseCase, run: str, expected: bool) -> None:
    use = case.use(run)
    assert use is not None
    assert (use.defeated is not None) == expected
