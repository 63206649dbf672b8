"""What is written looks as the file does: where && stands, how lines end and go on, and what is set apart."""

from pathlib import Path

import pytest

from dockerlayer.api import Ecosystem
from dockerlayer.testing import check_fix

FIXTURES = Path(__file__).parents[2] / "fixtures"
CARGO = """COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src \\
    && touch src/main.rs \\
    && cargo fetch --locked \\
    && rm src/main.rs
"""
CASES = {
    "commands are joined as the RUN joins its own": (
        "npm",
        "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN set -eux && \\\n  npm ci && \\\n  npm run build\n",
        "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN set -eux && \\\n  npm ci\n"
        "COPY . .\nRUN set -eux && \\\n  npm run build\n",
    ),
    "a semicolon below set -e": (
        "npm",
        "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN set -eu; \\\n\tnpm ci; \\\n\tnpm run build\n",
        "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN set -eu; \\\n\tnpm ci\n"
        "COPY . .\nRUN set -eu; \\\n\tnpm run build\n",
    ),
    "CRLF": (
        "cargo",
        "FROM rust:1.85\nWORKDIR /src\nCOPY . .\nRUN cargo build\n".replace("\n", "\r\n"),
        f"FROM rust:1.85\nWORKDIR /src\n{CARGO}COPY . .\nRUN cargo build --frozen\n".replace("\n", "\r\n"),
    ),
    "another escape character": (
        "cargo",
        '# escape=`\nFROM rust:1.85\nSHELL ["/bin/bash", "-c"]\nWORKDIR /src\nCOPY . .\nRUN cargo build\n',
        '# escape=`\nFROM rust:1.85\nSHELL ["/bin/bash", "-c"]\nWORKDIR /src\n'
        + CARGO.replace("\\\n", "`\n")
        + "COPY . .\nRUN cargo build --frozen\n",
    ),
    "a file with empty lines": (
        "npm",
        "FROM node:22\n\nWORKDIR /app\n\nCOPY . .\n\nRUN npm ci\nRUN npm run build\n\nUSER node\n",
        "FROM node:22\n\nWORKDIR /app\n\nCOPY package.json package-lock.json ./\n\nRUN npm ci\n\n"
        "COPY . .\n\nRUN npm run build\n\nUSER node\n",
    ),
    "a file with few empty lines": (
        "npm",
        "FROM node:22\nWORKDIR /app\n\nCOPY . .\nRUN npm ci\nRUN npm run build\nUSER node\n",
        "FROM node:22\nWORKDIR /app\n\nCOPY package.json package-lock.json ./\nRUN npm ci\n\n"
        "COPY . .\nRUN npm run build\nUSER node\n",
    ),
    "a pragma of the copy": (
        "npm",
        "FROM node:22\n# hadolint ignore=DL3045\nCOPY --chown=node . app/\nRUN cd app && npm ci && npm run build\n",
        "FROM node:22\n# hadolint ignore=DL3045\nCOPY --chown=node package.json package-lock.json app/\n"
        "RUN cd app && npm ci\n# hadolint ignore=DL3045\nCOPY --chown=node . app/\nRUN cd app && npm run build\n",
    ),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_style(case: str, ecosystems: tuple[Ecosystem, ...]) -> None:
    ecosystem, dockerfile, fixed = CASES[case]
    folder = FIXTURES / ecosystem / "naive"
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "Dockerfile" and "expected" not in path.parts
    }
    check_fix(dockerfile, fixed, files, ecosystems)
