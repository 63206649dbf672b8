# Debian images that stand in for the bases of the projects in projects.toml where no registry of images is reachable.
# What a project adds with apk is installed here, and apk itself does nothing (alpine.sh).

FROM node:22-slim AS node
RUN apt-get update && apt-get install -y --no-install-recommends curl g++ git make protobuf-compiler python3 unzip
RUN npm install -g npm@11
# A mirror of the registry may hand out no signatures.
ENV COREPACK_INTEGRITY_KEYS=0
COPY --chmod=755 alpine.sh /usr/local/sbin/apk


# The real one holds Cypress, and its package then finds the program there.
FROM node AS cypress
ENV CYPRESS_INSTALL_BINARY=0


FROM golang:1.26 AS golang
RUN apt-get update && apt-get install -y --no-install-recommends libpam0g-dev
COPY --chmod=755 alpine.sh /usr/local/sbin/apk
COPY --chmod=755 alpine.sh /usr/local/sbin/addgroup
COPY --chmod=755 alpine.sh /usr/local/sbin/adduser


FROM golang AS golang-1.27
COPY --from=node /usr/local/bin /usr/local/bin
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN GOTOOLCHAIN=go1.27.0 go version && \
    rm -r /usr/local/go && \
    cp -r /go/pkg/mod/golang.org/toolchain@v0.0.1-go1.27.0.* /usr/local/go && \
    go clean -modcache


FROM debian:trixie-slim AS alpine
RUN groupadd --system nobody && \
    apt-get update && apt-get install -y --no-install-recommends \
    bash ca-certificates curl git libpam0g netcat-openbsd openssh-client tzdata
COPY --chmod=755 alpine.sh /usr/local/sbin/apk
COPY --chmod=755 alpine.sh /usr/local/sbin/addgroup
COPY --chmod=755 alpine.sh /usr/local/sbin/adduser
