"""Cargo.lock: how much it pins, and whether cargo would leave it as it is (as ``--locked`` demands).

https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html says which versions a requirement allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dockerlayer_rules._cargotoml import Dependency, Package, Workspace, table

_VALUE = re.compile(r'(name|version|source|replace) = "([^"]*)"')
_COMPARATOR = re.compile(r"\s*(\^|~|=|>=|>|<=|<)?\s*(\d+)(?:\.(\d+|[*xX]))?(?:\.(\d+|[*xX]))?(?:\+\S+)?\s*")
Version = tuple[int, int, int]
Index = Mapping[str, list["Locked"]]


class Locked(NamedTuple):
    """One package of a lockfile; ``dependencies`` as written: name, and version and source where needed."""

    name: str
    version: str
    source: str
    dependencies: tuple[str, ...]


def locked_packages(text: str) -> tuple[Locked, ...]:
    """The packages of a lockfile, which cargo writes with one value on a line; none where it is something else."""
    found: list[Locked] = []
    block = ""
    values: dict[str, str] = {}
    listed: list[str] = []

    def close() -> None:
        if block in {"[[package]]", "[root]"} and "name" in values and "version" in values:
            found.append(Locked(values["name"], values["version"], values.get("source", ""), tuple(listed)))

    for line in text.splitlines():
        if line.startswith("["):
            close()
            block, values, listed = line.strip(), {}, []
        elif line.startswith(' "'):
            listed.append(line.strip().rstrip(",").strip('"'))
        elif (match := _VALUE.match(line)) is not None:
            values[match[1]] = match[2]
    close()
    return tuple(found)


class Agreement(NamedTuple):
    """Whether a lockfile is up to date: ``stale`` says why it is not, ``unsure`` what could not be told."""

    stale: str = ""
    unsure: str = ""


def agreement(workspace: Workspace, locked: tuple[Locked, ...]) -> Agreement:
    """Compare the manifests of a workspace with its lockfile."""
    unsure = ""
    roots: list[Locked] = []
    index: dict[str, list[Locked]] = {}
    for item in locked:
        index.setdefault(item.name, []).append(item)
    for package in workspace.packages:
        path = f"{package.place}/Cargo.toml".lstrip("/")
        entry = _entry_of(package, workspace, index)
        if entry is None:
            if package.is_member:
                return Agreement(f"it has no entry for the package of {path} in its present version")
            continue
        roots.append(entry)
        for problem in _problems(package, entry, workspace.patches, index):
            if problem.stale:
                return Agreement(f"{path} {problem.stale}")
            unsure = unsure or f"{path} {problem.unsure}"
    reached = _reachable(roots, index)
    left = next((item for item in locked if item not in reached), None)
    if left is not None:
        return Agreement(f"it has {left.name} {left.version}, which nothing asks for")
    return Agreement(unsure=unsure)


def _entry_of(package: Package, workspace: Workspace, index: Index) -> Locked | None:
    own = table(package.manifest.get("package", package.manifest.get("project")))
    version = own.get("version", "0.0.0")
    if isinstance(version, dict):
        shared = table(table(workspace.root.get("workspace")).get("package"))
        version = shared.get("version") if package.is_member else None
    named = index.get(str(own.get("name")), ())
    return next((item for item in named if not item.source and version in (item.version, None)), None)


def _problems(package: Package, entry: Locked, patches: Mapping[str, object], index: Index) -> Iterator[Agreement]:
    asked = [item for item in package.dependencies if package.is_member or not item.for_development]
    names = {text.split()[0] for text in entry.dependencies if text.strip()}
    known = {item.name for item in asked}
    for name in sorted(names - known):
        yield Agreement(f"no longer asks for {name}, which it has")
    for item in asked:
        if item.name not in names:
            if package.is_member or not item.optional:
                yield Agreement(f"asks for {item.name}, which it does not have")
            continue
        lines = [text for text in entry.dependencies if text.split()[:1] == [item.name]]
        chosen = [other for text in lines if (other := _named(text, index)) is not None]
        yield from _fitting(item, chosen, patches)


def _named(text: str, index: Index) -> Locked | None:
    """The package that a line of an entry's dependencies names: by name, and version and source where needed."""
    name, version, source = (*text.split(), "", "", "")[:3]
    for item in index.get(name, ()):
        if version in ("", item.version) and source.strip("()") in ("", item.source):
            return item
    return None


def _fitting(item: Dependency, chosen: list[Locked], patches: Mapping[str, object]) -> Iterator[Agreement]:
    if not chosen:
        yield Agreement(f"asks for {item.name}, which it does not have")
        return
    if item.name in patches or item.path is not None:
        return
    if item.git:
        if not any(other.source.startswith(f"git+{item.git}") for other in chosen):
            yield Agreement(
                unsure=f"takes {item.name} from another repository than Cargo.lock, or one spelled otherwise"
            )
        return
    answers = [fits(item.requirement, other.version) for other in chosen]
    if True in answers:
        return
    if None in answers:
        yield Agreement(unsure=f"asks for {item.name} {item.requirement!r}, a requirement that was not understood")
    else:
        yield Agreement(f"asks for {item.name} {item.requirement}, and it has {chosen[0].version}")


def _reachable(roots: list[Locked], index: Index) -> set[Locked]:
    reached: set[Locked] = set()
    waiting = list(roots)
    while waiting:
        item = waiting.pop()
        if item not in reached:
            reached.add(item)
            waiting.extend(other for text in item.dependencies if (other := _named(text, index)) is not None)
    return reached


def fits(requirement: str, version: str) -> bool | None:
    """Whether a requirement allows a version; None where that is not known (pre-releases, odd spellings)."""
    requirement = requirement.strip()
    if requirement in {"", "*"}:
        return None if "-" in version.partition("+")[0] else True
    numbers = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(?:\+\S+)?", version)
    if numbers is None:
        exact = requirement.lstrip("=^~ ")
        return True if exact == version else None
    actual = (int(numbers[1]), int(numbers[2]), int(numbers[3]))
    result = True
    for part in requirement.split(","):
        match = _COMPARATOR.fullmatch(part)
        if match is None:
            return None
        parts = [match[2], *(text for text in (match[3], match[4]) if text is not None and text not in "*xX")]
        wild = len(parts) < sum(text is not None for text in match.groups()[1:])
        result = result and _compare(match[1] or ("=" if wild else "^"), [int(text) for text in parts], actual)
    return result


def _compare(operator: str, parts: list[int], actual: Version) -> bool:
    low: Version = (*parts, 0, 0)[:3]  # type: ignore[assignment]
    above = _next(parts, len(parts) - 1)
    if operator == "=":
        return low <= actual < above
    if operator == "~":
        return low <= actual < _next(parts, min(len(parts) - 1, 1))
    if operator == "^":
        significant = next((at for at, number in enumerate(parts) if number), len(parts) - 1)
        return low <= actual < _next(parts, significant)
    if operator in {">=", "<"}:
        return actual >= low if operator == ">=" else actual < low
    return actual >= above if operator == ">" else actual < above


def _next(parts: list[int], at: int) -> Version:
    """The lowest version above all that begin with ``parts[: at + 1]``."""
    return (*parts[:at], parts[at] + 1, 0, 0)[:3]  # type: ignore[return-value]
