"""Go: what each command does with the module cache, where that is, and which words keep it off the network."""

from __future__ import annotations

from pathlib import Path

import pytest
from use_case import UseCase, flow

from dockerlayer_rules.go import ecosystem


@pytest.fixture
def case(tmp_path: Path) -> UseCase:
    return UseCase(tmp_path, ecosystem, "golang:1.24")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("go version", None),
        ("go env", None),
        ("go clean -modcache", None),
        ("GO111MODULE=off go build", None),
        ("go mod download", "fills"),
        ("GOPROXY=off go mod download", "-"),
        ("go mod tidy", "fills+takes"),
        ("go mod verify", "takes"),
        ("go build .", "fills+takes"),
        ("GOPROXY=off go build .", "takes"),
        ("go build -mod=vendor .", "-"),
        ("go install example.com/tool@v1.2.3", "fills+takes"),
    ],
)
def test_flow(case: UseCase, command: str, expected: str | None) -> None:
    assert flow(case.use(command)) == expected


@pytest.mark.parametrize(
    ("image", "above", "expected"),
    [
        ("golang:1.24", "", "/go/pkg/mod"),
        ("golang:1.24", "USER nobody", "/go/pkg/mod"),
        ("golang:1.24", "ENV GOMODCACHE=/mods", "/mods"),
        ("golang:1.24", "ENV GOPATH=/a:/b", "/a/pkg/mod"),
        ("golang:1.24", "ENV GOMODCACHE=$NOWHERE/x", ""),
        ("golang:1.24", "RUN go env -w GOMODCACHE=/mods", ""),
        ("debian:13", "", "/root/go/pkg/mod"),
        ("debian:13", "USER app", ""),
        ("debian:13", "RUN useradd -m app\nUSER app", "/home/app/go/pkg/mod"),
        ("debian:13", "RUN useradd -d /srv app\nUSER app", "/srv/go/pkg/mod"),
        ("debian:13", "ENV HOME=/srv\nUSER app", "/srv/go/pkg/mod"),
        ("registry.example.com/builder", "", ""),
    ],
)
def test_stores(tmp_path: Path, image: str, above: str, expected: str) -> None:
    use = UseCase(tmp_path, ecosystem, image).use("go mod download", above)
    assert use is not None
    assert use.stores == ((expected,) if expected else ())


def test_leaves(case: UseCase) -> None:
    leaves = {run: use.leaves for run in ("go build -o /app .", "go build -o bin/ ./...", "go install ./...", "go vet")
              if (use := case.use(run))}  # fmt: skip
    assert list(leaves.values()) == [("/app",), ("/src/bin",), ("/go/bin",), ()]


def test_online(case: UseCase) -> None:
    assert case.online("GOPROXY=off CGO_ENABLED=0 go build .") == ("GOPROXY=off", "CGO_ENABLED=0 go build .")
    assert case.online("CGO_ENABLED=0 GOPROXY=off go build .") == ("GOPROXY=off", "CGO_ENABLED=0 go build .")
    assert case.online("env GOPROXY=off go build .") == ("GOPROXY=off", "env go build .")
    assert case.online("go build .", "ENV GOPROXY=off") == ("GOPROXY=off", "go build .")
    assert case.online("go build -mod=vendor .") == ("-mod=vendor", "go build -mod=vendor .")


@pytest.mark.parametrize(
    ("run", "above", "expected"),
    [
        ("GOFLAGS=-mod=readonly go build .", "RUN go mod download", "GOFLAGS=-mod=readonly GOPROXY=off go build ."),
        ("go build .", "ENV GOFLAGS=-mod=readonly\nRUN go mod download", "GOPROXY=off go build ."),
        ("GOFLAGS=-mod=readonly go build .", "RUN go mod download || true", ""),
        ("GOFLAGS=-mod=readonly go build .", "RUN --mount=type=cache,target=/go/pkg/mod go mod download", None),
        ("GOFLAGS=-mod=readonly go build .", "", None),
        ("GOFLAGS=-mod=readonly GOPROXY=off go build .", "RUN go mod download", None),
        ("go build -mod=readonly .", "RUN go mod download", None),
        ("go build .", "RUN go mod download", None),
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
        ("go build . && go clean -modcache", True),
        ("go build . && rm -rf /go/pkg/mod", True),
        ("go build . && rm -rf /go/pkg/*", True),
        ("go build . && rm -rf /go/pkg/mod/cache", False),
        ("go build . && rm -rf /go/pkg/mod/*.lock", False),
        ("rm -rf /go/pkg/mod && go build .", False),
        ("go build . && rm -rf /tmp/*", False),
    ],
)
def test_defeated(case: UseCase, run: str, expected: bool) -> None:
    use = case.use(run)
    assert use is not None
    assert (use.defeated is not None) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [("go get -u ./...", True), ("go get -u example.com/x", False), ("go get ./...", False), ("go build .", False)],
)
def test_unpinned(case: UseCase, command: str, expected: bool) -> None:
    use = case.use(command)
    assert use is not None
    assert (use.unpinned is not None) == expected


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("COPY . .\nRUN go build .", True),
        ("COPY . .\nRUN go build -mod=mod .", False),
        ("COPY . .\nENV GOFLAGS=-mod=mod\nRUN go build .", False),
        ("COPY . .\nRUN make", False),
        ("COPY main.go .\nRUN go build .", False),
        ("COPY . .", False),
    ],
)
def test_redundant(tmp_path: Path, below: str, expected: bool) -> None:
    from dockerlayer.checks.survey import Survey
    from dockerlayer.model.context import Context
    from dockerlayer.model.layers import Analysis
    from dockerlayer.syntax.parser import parse

    UseCase(tmp_path, ecosystem, "golang:1.24", {"vendor/modules.txt": ""})
    data = f"FROM golang:1.24\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\n{below}\n".encode()
    survey = Survey(Analysis(parse(data), Context.open(tmp_path)), [ecosystem])
    use = survey.uses(next(survey.steps()))[0].use
    assert (use.redundant is not None) == expected
