FROM debian:trixie-slim
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates curl file g++ git libbz2-dev libffi-dev liblzma-dev libncurses-dev libreadline-dev libsqlite3-dev \
        libssl-dev libyaml-dev make netbase patch pkg-config python3 tzdata unzip uuid-dev xz-utils zlib1g-dev
