FROM debian:12-slim AS base
WORKDIR /app
FROM base AS packages
RUN echo made > /wheel
FROM base
COPY f .
RUN --mount=type=bind,from=packages,source=/wheel,target=/wheel cat /wheel
RUN echo after
