FROM debian:12-slim AS unused
RUN echo unused

FROM debian:12-slim AS build
ARG X=1
WORKDIR /a
COPY f /a/
RUN printf 'no line end'
RUN printf 'one\n' && \
    # a comment
    echo two >&2; printf three

FROM build AS Check
RUN echo checked > /checked

FROM debian:12-slim
LABEL a=b
COPY --from=build /a/f /r
WORKDIR /
RUN printf end
CMD ["true"]
