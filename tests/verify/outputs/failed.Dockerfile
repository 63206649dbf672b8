FROM debian:12-slim
RUN echo first
RUN echo what went wrong >&2; exit 3
RUN echo never
