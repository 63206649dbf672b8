# The Go module proxy serves toolchains, and any older Go fetches and verifies one.
FROM buildpack-deps:trixie AS fetch
ARG GO_VERSION=1.26.8
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends golang-go \
    && GOPATH=/tmp/go GOTOOLCHAIN=go$GO_VERSION go version \
    && mv /tmp/go/pkg/mod/golang.org/toolchain@* /usr/local/go && chmod -R u+w /usr/local/go

FROM buildpack-deps:trixie
COPY --from=fetch /usr/local/go /usr/local/go
ENV GOTOOLCHAIN=local GOPATH=/go PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN mkdir -p /go/src /go/bin && chmod -R 1777 /go
WORKDIR /go
