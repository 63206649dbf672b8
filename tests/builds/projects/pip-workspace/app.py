"""Choose the newest version that a settings file allows."""

from importlib.metadata import version

from iniconfig import IniConfig
from packaging.specifiers import SpecifierSet


def newest(allowed: str, known: list[str]) -> str:
    """The newest of the known versions.

    >>> newest("<2", ["1.0", "2.0"])
    '1.0'
    """
    return max(SpecifierSet(allowed).filter(known))


if __name__ == "__main__":
    settings = IniConfig("settings.ini", data="[layers]\nallowed = >=1.2,<2\n")
    print("newest", newest(settings["layers"]["allowed"], ["1.1", "1.4", "2.0"]), "packaging", version("packaging"))
