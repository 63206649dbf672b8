"""Everything that an ecosystem plugin may import, and nothing else of dockerlayer.

A plugin is a module with one ``Ecosystem``: data first, then a ``read`` function that looks at one call in its scene
and says what the call takes from a registry and which files that needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, NamedTuple

from dockerlayer.findings import Applicability, Cost, Edit, Finding, Fix, Refusal, Severity
from dockerlayer.model.calls import Call
from dockerlayer.model.context import Context
from dockerlayer.model.effects import EVERYTHING, NOTHING, SYSTEM_WRITES, Effect, path_of
from dockerlayer.model.paths import is_within, join, relative
from dockerlayer.model.scene import Scene
from dockerlayer.model.stages import Mount, Step
from dockerlayer.syntax.shell import Word

NOT_IN_CONTEXT = "not-in-context"
"""The code of a refusal because a manifest is not in the build context; the user is then told of ``--context``."""

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "NOT_IN_CONTEXT",
    "SYSTEM_WRITES",
    "Applicability",
    "Call",
    "Context",
    "Cost",
    "Ecosystem",
    "Edit",
    "Effect",
    "Example",
    "Fetch",
    "Finding",
    "Fix",
    "Handover",
    "Hybrid",
    "Lock",
    "Mend",
    "Mount",
    "Practice",
    "Refusal",
    "Registry",
    "Rule",
    "Scene",
    "Severity",
    "Split",
    "Step",
    "Use",
    "Word",
    "deferred",
    "insert_after",
    "is_within",
    "join",
    "path_of",
    "prefix",
    "relative",
]


class Registry(NamedTuple):
    """Where packages come from, and who pays for the traffic."""

    name: str
    payer: str
    donated: bool


class Handover(NamedTuple):
    """An image path that an offline install takes its packages from, and that may be a bind mount while it runs.

    Nothing of it is needed once the install has ended. ``writable`` says that the tool also writes there.
    """

    path: str
    writable: bool = False


class Hybrid(NamedTuple):
    """The download of a split through a cache mount at the image path ``target``.

    ``download`` is the shell text that fills the mount and puts into the layer all that the install takes: after a
    change of the lockfile only what is new is downloaded, and a mount that was emptied breaks nothing.
    """

    target: str
    download: str
    notes: tuple[str, ...] = ()


class Split(NamedTuple):
    """How one call becomes a download and an offline install.

    ``download`` is the shell text of the download, to be run in the image directory ``directory`` (default: where the
    call runs). ``edits`` turn the call into its offline form; empty edits leave it as it is. ``notes`` say what the
    split costs, ``writes`` the image paths that the download leaves for the install. ``needs`` are the files that the
    download reads, relative to the project, where they are not those of the whole call.

    ``handover`` is all that the install needs of the download, if that can be mounted; ``kept`` is the sentence that
    says what stays in the image when it is not. ``hybrid`` is another way to make the same download.

    ``elsewhere`` is the download with an option that names the directory, for which ``{}`` stands: it spares a ``cd``
    (hadolint's DL3003) where the call itself uses such an option, so that the tool is known to have it.
    """

    download: str
    edits: tuple[Edit, ...]
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    directory: str = ""
    writes: tuple[str, ...] = ()
    needs: tuple[str, ...] | None = None
    handover: tuple[Handover, ...] = ()
    kept: str = ""
    hybrid: Hybrid | None = None
    elsewhere: str = ""


class Lock(NamedTuple):
    """What pins a download.

    ``state`` is ``ok``, ``missing``, ``hidden`` (by the ignore file), ``uncopied``, ``made`` (by an earlier
    step), ``elsewhere`` (from another directory than the manifest) or ``off`` (by the user's will).
    """

    manifest: str
    lockfile: str
    state: str
    advice: str = ""


@dataclass(slots=True, frozen=True)
class Fetch:
    """What one call takes from a registry.

    ``kind`` is ``install`` (installs the project's dependencies; runs from narrow inputs alone), ``download`` (fills a
    cache and nothing else), ``build`` (needs the source as well, only a split helps) or ``tool`` (named packages, needs
    no file of the project). ``directory`` is the image directory of the project, ``origin`` the context directory
    behind it (None when the context has none). ``needs`` are files and directories relative to the project, all of
    them in the context; ``writes`` are image paths that later copies must not overwrite, ``reads`` those
    that count whenever something makes them. ``blocked`` says why narrow inputs are not enough or not known and nothing
    can be done; ``no_split`` why there is no split, ``no_narrow`` why the call itself cannot move above the source.
    ``unproven`` says why a rewrite, though likely right, is only shown to be made by hand. ``system`` is whether the
    call may write anywhere in the system, not to ``writes`` alone.

    ``members`` are the manifests of the workspace's members, relative to the project, that the context has;
    ``without_member`` says what the call does when one of them is missing, as in "installs nothing for it and exits 0".
    """

    call: Call
    kind: str
    directory: str
    origin: str | None = None
    needs: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    count: int | None = None
    unit: str = "packages"
    lock: Lock | None = None
    split: Split | None = None
    no_split: Refusal | None = None
    blocked: Refusal | None = None
    assumptions: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    no_narrow: Refusal | None = None
    unproven: str = ""
    system: bool = True
    members: tuple[str, ...] = ()
    without_member: str = ""


class Mend(NamedTuple):
    """What is wrong with the words of one call, and how they are put right.

    ``message`` is the finding's sentence, ``title`` names the fix and ``edits`` make it; without edits it is only told.
    ``assumptions`` are what the fix rests on: with none it is safe. ``by`` is the other command of the RUN that is to
    blame, where there is one: the fix may take it out.
    """

    message: str
    title: str = ""
    edits: tuple[Edit, ...] = ()
    assumptions: tuple[str, ...] = ()
    help: str = ""
    by: Call | None = None


class Use(NamedTuple):
    """What one call does with the packages that its tool keeps, and what its words say of the network.

    ``stores`` are the image paths where the tool keeps what it downloads, and looks for it, given this call's user,
    version, options and environment; the first is the right target of a cache mount; empty when that is not known.
    ``fills`` says that the call downloads into the stores what they lack, ``takes`` that it needs packages from them.
    ``leaves`` are image paths, beside the stores, of what the call makes for later steps (installed packages, build
    results, a directory of archives).

    ``offline`` are the words or variables, as written, that keep the call off the network; empty when it may ask.
    ``online`` are edits that take them back. ``nominal`` says why the call is online though it is written as if it
    were not, ``defeated`` why a cache mount over the stores is of no use to it, ``unpinned`` why what it downloads is
    not what the lockfile says though there is one, ``redundant`` why what it downloads is never used.
    ``scripts`` is whether it may run code of the packages, or of the project, while it works.
    """

    stores: tuple[str, ...] = ()
    fills: bool = False
    takes: bool = False
    leaves: tuple[str, ...] = ()
    offline: str = ""
    online: tuple[Edit, ...] = ()
    nominal: Mend | None = None
    defeated: Mend | None = None
    unpinned: Mend | None = None
    redundant: Mend | None = None
    scripts: bool = True


class Practice(NamedTuple):
    """The row of an ecosystem in the table of `dockerlayer ecosystems`, in Markdown.

    ``download`` is the command that only downloads, ``offline`` what installs without the network, ``used`` whether
    people do so.
    """

    download: str
    offline: str
    used: str


class Rule(NamedTuple):
    """A rule of the plugin's own: ``check`` yields findings for one call. Its docstring is the rule's page."""

    name: str
    severity: Severity
    check: Callable[[Call, Scene], Iterator[Finding]]
    fixable: bool = False


_SYSTEM_CACHES = r"^/var/(?:cache|lib|log)/(?:apt|apk|dnf|yum|libdnf5|zypp|pacman|debconf)|^/etc/apk"


class Example(NamedTuple):
    """A rule's Bad and Good for one ecosystem, shown on the rule's page; the plugin's contract holds both to it.

    ``case`` is the folder, among the plugin's cases, in whose context they are true; ``ignored`` is what Good has in
    .dockerignore beside that.
    """

    rule: str
    bad: str
    good: str
    case: str = "naive"
    ignored: str = ""


@dataclass
class Ecosystem:
    """One package manager. ``programs`` is a regular expression for the program names it answers to.

    Several may answer to one program (two generations of a tool); a call is then read by one of them at most.

    ``read`` returns what a call fetches, or None when it fetches nothing; ``effect`` describes what other calls of the
    same programs read and write, or None when unknown. ``use`` says what a call does with the packages that the tool
    keeps, or None when it is not about packages. ``cache_names`` is a regular expression for targets of cache mounts
    that are meant for this ecosystem's downloads, rightly or not. ``other_caches`` are regular expressions for
    cache-mount targets that hold something else than downloads, ``home_files`` the settings that its programs read
    below the home directory. ``environment`` is a regular expression for the
    variables that a download of this ecosystem may read (default: all). ``patterns`` are those that its downloads can
    be rewritten to, with luck: what `dockerlayer explain patterns` lists.
    """

    name: str
    title: str
    docs: str
    registry: Registry
    programs: str
    read: Callable[[Call, Scene], Fetch | None]
    practice: Practice | None = None
    effect: Callable[[Call, Scene], Effect | None] | None = None
    use: Callable[[Call, Scene], Use | None] | None = None
    cache_names: str = ""
    other_caches: tuple[str, ...] = ()
    home_files: tuple[str, ...] = ()
    environment: str = ""
    rules: tuple[Rule, ...] = ()
    patterns: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()

    @cached_property
    def answers_to(self) -> re.Pattern[str]:
        """The compiled ``programs``."""
        return re.compile(rf"(?:{self.programs})\Z")

    def cached_by(self, step: Step) -> bool:
        """Whether a cache mount of a RUN may keep this ecosystem's downloads between builds.

        Caches can be put anywhere, by variables, options and settings files; so every cache mount counts that is not
        known to be another's. A download behind one is not the layer's to keep, and must never feed an offline step.
        """
        others = re.compile("|".join((_SYSTEM_CACHES, *self.other_caches)))
        return any(mount.kind == "cache" and not others.search(mount.target) for mount in step.mounts)

    @cached_property
    def configured_by(self) -> re.Pattern[str]:
        """The compiled ``environment``."""
        return re.compile(rf"(?:{self.environment or '.*'})\Z")


def deferred(module: str, name: str) -> Callable[[Call, Scene], Any]:
    """A function of a module that is imported when it is first called.

    Most runs meet the programs of a few ecosystems only: a plugin keeps its data in a module of its own, so that the
    code of the others is never read.
    """

    def call(one: Call, scene: Scene) -> Any:
        return getattr(import_module(module), name)(one, scene)

    return call


def insert_after(word: Word, text: str) -> Edit:
    """An edit that puts ``text`` behind a word, with a space between."""
    return Edit(word.end, word.end, f" {text}".encode())


def prefix(call: Call, text: str) -> Edit:
    """An edit that puts ``text`` before the program itself, behind its wrappers."""
    start = call.words[0].start
    return Edit(start, start, f"{text} ".encode())
