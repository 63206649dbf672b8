FROM debian:trixie-slim
# Erlang's debugger, which rebar3 asks for, brings in a whole desktop by way of erlang-wx.
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && mkdir -p /tmp/wx/DEBIAN \
    && printf 'Package: erlang-wx\nVersion: %s\nArchitecture: all\nMaintainer: nobody\nDescription: left out\n' \
        "$(apt-cache show --no-all-versions erlang-wx | sed -n 's/^Version: //p')" >/tmp/wx/DEBIAN/control \
    && dpkg-deb --build /tmp/wx /tmp/wx.deb \
    && apt-get install -y --no-install-recommends /tmp/wx.deb elixir erlang-dev erlang-hex git make rebar3 \
    && rm -r /tmp/wx /tmp/wx.deb
ENV LANG=C.UTF-8 MIX_REBAR3=/usr/bin/rebar3
CMD ["iex"]
