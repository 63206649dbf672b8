"""Go: which command lines fetch, what kind of fetch each is, and why some are refused at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dockerlayer.checks.survey import Survey
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules.go import ecosystem

NAIVE = Path(__file__).parents[2] / "fixtures" / "go" / "naive"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("go build", "build"),
        ("go build -o /app ./...", "build"),
        ("go -C /src build .", "build"),
        ("go build -C /src -o app ./cmd/x", "build"),
        ("CGO_ENABLED=0 go build .", "build"),
        ("env GOOS=linux go build .", "build"),
        ("/usr/local/go/bin/go build .", "build"),
        ("GOFLAGS=-mod=mod go build .", "build"),
        ("go build -mod=readonly -tags netgo .", "build"),
        ("cd sub && go build .", "build"),
        ("go install ./...", "build"),
        ("go test ./...", "build"),
        ("go run main.go", "build"),
        ("go vet ./...", "build"),
        ("go list -m all", "build"),
        ("go generate ./...", "build"),
        ("go get ./...", "build"),
        ("go mod download", "download"),
        ("go mod download -x", "download"),
        ("GOPROXY=direct go mod download", "download"),
        ("go mod download && go build .", "download"),
        ("go install example.com/tool@v1.2.3", "tool"),
        ("go run example.com/tool@latest -x", "tool"),
        ("go get example.com/x@v1", "build: resolves-anew"),
        ("go get -u ./...", "build: resolves-anew"),
        ("go", None),
        ("go version", None),
        ("go env", None),
        ("go env -w GOPROXY=direct", None),
        ("go help build", None),
        ("go mod tidy", None),
        ("go mod vendor", None),
        ("go mod init example.com/x", None),
        ("go work sync", None),
        ("go clean -modcache", None),
        ("go doc fmt", None),
        ("go build -mod=vendor .", None),
        ("GOPROXY=off go build .", None),
        ("GOFLAGS=-mod=vendor go build .", None),
        ("GO111MODULE=off go build .", None),
        ("gofmt -l .", None),
        ("./go build", None),
        ("echo go build", None),
    ],
)
def test_spellings(tmp_path: Path, command: str, kind: str | None) -> None:
    shutil.copytree(NAIVE, tmp_path, ignore=shutil.ignore_patterns("expected"), dirs_exist_ok=True)
    text = f"FROM golang:1.24\nWORKDIR /src\nCOPY . .\nRUN {command}\n"
    survey = Survey(Analysis(parse(text.encode()), Context.open(tmp_path)), [ecosystem])
    fetches = [seen.fetch for step in survey.steps() for seen in survey.sightings(step)]
    found = (f"{fetch.kind}: {fetch.blocked.code}" if fetch.blocked else fetch.kind for fetch in fetches)
    assert (", ".join(found) or None) == kind
