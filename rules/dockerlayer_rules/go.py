"""Go modules: ``go mod download`` needs go.mod and go.sum (and the go.mod of local replacements) and nothing else.

``GOPROXY=off`` is what makes a build offline. ``GOFLAGS=-mod=readonly`` is not (it is the default since Go 1.16,
forbids only edits of go.mod, and turns automatic vendoring off), so it is never written.
"""

from __future__ import annotations

from dockerlayer.api import (
    Ecosystem,
    Example,
    Practice,
    Registry,
    deferred,
)

ecosystem = Ecosystem(
    name="go",
    title="Go modules",
    docs="https://go.dev/ref/mod#go-mod-download",
    registry=Registry("the Go module proxy", "Google", donated=False),
    programs=r"go",
    read=deferred("dockerlayer_rules._read_go", "read"),
    practice=Practice("`go mod download`", "`GOPROXY=off go build`", "yes, canonical"),
    effect=deferred("dockerlayer_rules._read_go", "effect"),
    use=deferred("dockerlayer_rules._use_go", "use"),
    cache_names=r"(?:^|/)pkg/mod(?:/|\Z)|(?:^|/)go/(?:pkg|mod)(?:/|\Z)|\A(?:/root|/home/[^/]+)?/go/?\Z|gomodcache|\bgo-?mod\b",
    other_caches=(r"go-build",),
    home_files=(".netrc", ".config/go", ".gitconfig"),
    environment=r"GO.*|CGO_.*|GIT_(?:SSH|CONFIG|TERMINAL|ASKPASS).*|.*(?:PROXY|proxy|TOKEN|NETRC|PASSWORD).*|HOME|PATH|SSH_.*",
    patterns=("split", "narrow", "hybrid"),
    examples=(
        Example(
            "volatile-input-above-download",
            """
            FROM golang:1.26
            ARG GIT_COMMIT
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            RUN go build -ldflags "-X main.commit=$GIT_COMMIT" -o /app .
            """,
            """
            FROM golang:1.26
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            ARG GIT_COMMIT
            COPY . .
            RUN go build -ldflags "-X main.commit=$GIT_COMMIT" -o /app .
            """,
        ),
        Example(
            "mount-shadows-layer",
            """
            FROM golang:1.24
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN --mount=type=cache,target=/go/pkg/mod go mod download
            COPY . .
            RUN go build -o /app .
            """,
            """
            FROM golang:1.24
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            RUN go build -o /app .
            """,
        ),
        Example(
            "source-before-download",
            """
            FROM golang:1.24
            WORKDIR /src
            COPY . .
            RUN go build -o /app .
            """,
            """
            FROM golang:1.24
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            RUN GOPROXY=off go build -o /app .
            """,
        ),
        Example(
            "workspace-drift",
            """
            FROM golang:1.24
            WORKDIR /src
            COPY go.work ./
            COPY api/go.mod api/go.sum api/
            RUN go mod download
            COPY . .
            """,
            """
            FROM golang:1.24
            WORKDIR /src
            COPY go.work ./
            COPY api/go.mod api/go.sum api/
            COPY lib/go.mod lib/
            RUN go mod download
            COPY . .
            """,
            case="workspace",
        ),
        Example(
            "offline-in-name-only",
            """
            FROM golang:1.24
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            RUN GOFLAGS=-mod=readonly go build -o /app .
            """,
            """
            FROM golang:1.24
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            RUN GOPROXY=off go build -o /app .
            """,
        ),
        Example(
            "redundant-download",
            """
            FROM golang:1.24
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            RUN go build -o /app .
            """,
            """
            FROM golang:1.24
            WORKDIR /src
            COPY . .
            RUN go build -o /app .
            """,
            case="noop-vendored-flag",
        ),
        Example(
            "network-in-install",
            """
            FROM golang:1.24
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            RUN GOPROXY=off go build -o /app .
            """,
            """
            FROM golang:1.24
            WORKDIR /src
            COPY go.mod go.sum ./
            RUN go mod download
            COPY . .
            RUN --network=none GOPROXY=off go build -o /app .
            """,
        ),
    ),
)
