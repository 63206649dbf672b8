"""Paths inside the image: slash-separated strings.

The working directory of a base image is not known; it is the root ``BASE``, under which paths that a Dockerfile
writes relative to it can still be compared with each other.
"""

from __future__ import annotations

import posixpath

BASE = "<base>"

SYSTEM = tuple(
    """/usr/bin /usr/sbin /usr/lib /usr/lib64 /usr/libexec /usr/share /usr/include /usr/local/bin /usr/local/sbin
    /usr/local/lib /usr/local/share /usr/local/include /usr/local/etc /usr/local/go /etc /var/lib/apt /var/lib/dpkg
    /var/lib/apk /var/lib/rpm /var/lib/yum /var/cache /var/log /lib /lib64 /bin /sbin /run /opt/venv /root/.cache
    /root/.config /root/.local /root/.ssh /root/.netrc /root/.gitconfig /root/.docker /dev /proc /sys""".split()
)
"""Where the system, its package managers and their users' settings live: what installs read and write."""


def join(directory: str, path: str) -> str:
    """``path`` as seen from ``directory``, normalised, without a trailing slash."""
    if path.startswith("/"):
        return posixpath.normpath(path).replace("//", "/")
    joined = posixpath.normpath(f"{directory}/{path}")
    return joined.replace("//", "/") if joined.startswith(("/", BASE)) else f"{BASE}/../{joined}"


def is_within(path: str, directory: str) -> bool:
    """Whether ``path`` is ``directory`` or lies below it."""
    return path == directory or directory == "/" or path.startswith(directory.rstrip("/") + "/")


def overlap(one: str, other: str) -> bool:
    """Whether one of two paths may lie in the other; the base image's directory may be anywhere but in the system."""
    if is_within(one, other) or is_within(other, one):
        return True
    if one.startswith(BASE) == other.startswith(BASE):
        return False
    absolute = other if one.startswith(BASE) else one
    return not any(is_within(absolute, directory) for directory in SYSTEM)


def relative(path: str, directory: str) -> str | None:
    """``path`` relative to ``directory`` ('' for the directory itself), or None when it lies elsewhere."""
    if path == directory:
        return ""
    prefix = directory.rstrip("/") + "/"
    return path[len(prefix) :] if path.startswith(prefix) else None
