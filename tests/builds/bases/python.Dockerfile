# The official images compile Python into /usr/local. This is that layout, in seconds: Debian's compiled parts, and in place of
# Debian's library, which puts packages elsewhere and has no ensurepip, the upstream one that Debian keeps as the source.
FROM buildpack-deps:trixie AS build
WORKDIR /src
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    sed 's/^deb /deb-src /' /etc/apt/sources.list >/etc/apt/sources.list.d/source.list \
    && apt-get update && apt-get install -y --no-install-recommends libpython3.13-dev python3.13 \
    && apt-get source --download-only python3.13 \
    && tar -xJf python3.13_*.orig.tar.xz --strip-components=1 --wildcards '*/Lib' --exclude='*/Lib/test' \
        --exclude='*/Lib/idlelib' --exclude='*/Lib/tkinter' --exclude='*/Lib/turtledemo'
RUN cd /usr/local && lib=lib/python3.13 && rm -rf $lib && mv /src/Lib $lib \
    && cp -a /usr/lib/python3.13/lib-dynload /usr/lib/python3.13/_sysconfigdata_*.py /usr/lib/python3.13/config-3.13-* $lib \
    && rm -f $lib/config-3.13-*/*.a $lib/config-3.13-*/*.so \
    && sed -i -E 's,/usr(/bin|/include|/lib|/share|["'\'',]*$),/usr/local\1,' $lib/_sysconfigdata_*.py $lib/config-3.13-*/Makefile \
    && cp -a /usr/include/python3.13 include/ && cp -a /usr/include/*-linux-gnu/python3.13/pyconfig.h include/python3.13/ \
    && cp -a /usr/bin/python3.13 bin/ && ln -s python3.13 bin/python3 && ln -s python3 bin/python
# The site module is frozen into Debian's program: it looks in dist-packages.
RUN ln -s site-packages /usr/local/lib/python3.13/dist-packages \
    && python3 -m ensurepip && ln -s pip3 /usr/local/bin/pip \
    && find /usr/local -name __pycache__ -prune -exec rm -r {} +

FROM debian:trixie-slim AS slim
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates libbz2-1.0 libdb5.3t64 libexpat1 libffi8 liblzma5 libncursesw6 libreadline8t64 libsqlite3-0 \
        libssl3t64 libuuid1 netbase tzdata zlib1g
COPY --from=build /usr/local /usr/local
CMD ["python3"]

FROM buildpack-deps:trixie AS full
RUN rm -r /usr/local/lib/python3.13
COPY --from=build /usr/local /usr/local
CMD ["python3"]
