FROM buildpack-deps:trixie
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends cargo rustc \
    && mkdir -p "$CARGO_HOME/bin" && ln -s /usr/bin/cargo /usr/bin/rustc /usr/bin/rustdoc "$CARGO_HOME/bin/" \
    && chmod -R a+w "$CARGO_HOME"
