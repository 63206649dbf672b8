# npm has Bun whole, as one program for each system.
FROM node:22-slim AS fetch
ARG BUN_VERSION=1.4.5
RUN npm install --prefix /tmp/bun "bun@$BUN_VERSION" && cp -L /tmp/bun/node_modules/.bin/bun /usr/local/bin/bun

FROM debian:trixie-slim
RUN groupadd --gid 1000 bun && useradd --uid 1000 --gid bun --shell /bin/sh --create-home bun
COPY --from=fetch /usr/local/bin/bun /usr/local/bin/bun
RUN ln -s bun /usr/local/bin/bunx
WORKDIR /home/bun/app
CMD ["bun"]
