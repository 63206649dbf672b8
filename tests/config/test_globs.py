"""What the globs of a configuration file fit."""

import time

import pytest

from dockerlayer.config.globs import fits


@pytest.mark.parametrize(
    ("glob", "path", "exactly", "below"),
    [
        ("Dockerfile", "Dockerfile", True, True),
        ("Dockerfile", "a/b/Dockerfile", True, True),
        ("Dockerfile", "a/Dockerfile.dev", False, False),
        ("/Dockerfile", "Dockerfile", True, True),
        ("/Dockerfile", "a/Dockerfile", False, False),
        ("./Dockerfile", "a/Dockerfile", False, False),
        ("api/Dockerfile", "api/Dockerfile", True, True),
        ("api/Dockerfile", "x/api/Dockerfile", False, False),
        ("*.dev", "a/Dockerfile.dev", True, True),
        ("a/*", "a/Dockerfile", True, True),
        ("a/*", "a/b/Dockerfile", False, True),
        ("a/**", "a/b/c/Dockerfile", True, True),
        ("a/**/Dockerfile", "a/Dockerfile", True, True),
        ("a/**/Dockerfile", "a/b/c/Dockerfile", True, True),
        ("**/b/*", "a/b/Dockerfile", True, True),
        ("**", "Dockerfile", True, True),
        ("vendor", "vendor/x/Dockerfile", False, True),
        ("vendor/", "a/vendor/x/Dockerfile", False, True),
        ("vendor", "vendored/Dockerfile", False, False),
        ("services/?[ab]", "services/xb/Dockerfile", False, True),
        ("services/[!a]*", "services/apple/Dockerfile", False, False),
        ("../*", "../Dockerfile", True, True),
        ("dockerfile", "Dockerfile", False, False),
        ("/", "Dockerfile", False, False),
        (".", "Dockerfile", False, False),
        ("a\nb", "a\nb", True, True),
    ],
)
def test_fits(glob: str, path: str, exactly: bool, below: bool) -> None:
    assert fits(glob, path) is exactly
    assert fits(glob, path, below=True) is below


def test_glob_made_to_take_long() -> None:
    started = time.monotonic()
    assert not fits("/".join(["**", "*a*a*a*a*a*a*a*b"] * 40), "/".join(["a" * 60] * 60))
    assert time.monotonic() - started < 5
