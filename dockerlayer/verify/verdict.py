"""What a proof amounts to."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from dockerlayer.verify.builder import Built
from dockerlayer.verify.subject import DOWNLOAD
from dockerlayer.verify.trial import Proof, Trial

# How builders name what they do not know: BuildKit's frontend (instructions/bflag.go) and buildah.
_LACKING = ("unknown flag", "unknown instruction", "is not supported")


class Outcome(StrEnum):
    """``proven``, ``not-proven``, or ``not-run``: nothing can be said, because of the project or the builder."""

    PROVEN = "proven"
    NOT_PROVEN = "not-proven"
    NOT_RUN = "not-run"


class Verdict(NamedTuple):
    """The outcome and the sentences that say why."""

    outcome: Outcome
    reasons: tuple[str, ...]


def verdict_of(proof: Proof) -> Verdict:
    """Judge a proof.

    Proven means: it builds, every download that the target needs stays cached after the edit, every install from a
    download works with the network off, and the rewritten image has the same configuration and lacks no file.
    """
    judged = proof.after or proof.before
    if not proof.before.cold.ok:
        return Verdict(Outcome.NOT_RUN, ("the Dockerfile does not build as it is; what the builder said is above",))
    if not judged.subject.of_role(DOWNLOAD):
        return Verdict(
            Outcome.NOT_RUN, ("no step is known to download packages into a layer: there is nothing to prove",)
        )
    if not judged.cold.ok:
        lacking = any(words in judged.cold.log for words in _LACKING)
        cause = "the builder may be too old for it" if lacking else "please report this with the Dockerfile"
        return Verdict(Outcome.NOT_PROVEN, (f"it no longer builds; {cause}",))
    if not judged.built(DOWNLOAD):
        return Verdict(Outcome.NOT_RUN, ("the target needs none of the steps that download; see --target",))
    if proof.touched is None:
        return Verdict(Outcome.NOT_RUN, ("no source file reaches the image; name one with --touch",))
    failures = tuple(_failures(judged, proof))
    if failures:
        return Verdict(Outcome.NOT_PROVEN, failures)
    if not judged.felt_the_edit:
        return Verdict(Outcome.NOT_RUN, (f"no step depends on {proof.touched}; name another file with --touch",))
    return Verdict(Outcome.PROVEN, tuple(_merits(judged, proof)))


def _failures(judged: Trial, proof: Proof) -> list[str]:
    found = []
    if judged.warm is None or not judged.warm.ok:
        found.append(f"it does not build after an edit of {proof.touched}")
    found += [f"line {layer.step.line} downloads again after an edit of {proof.touched}" for layer in judged.repeated()]
    if judged.offline is not None and not judged.offline.ok:
        found.append("an install that should need only what was downloaded does not work with the network off")
    if proof.difference is not None:
        if proof.difference.settings:
            found.append(f"the image's configuration differs: {', '.join(proof.difference.settings)}")
        if proof.difference.missing:
            count = len(proof.difference.missing)
            found.append(f"the rewritten image lacks {count} file{'s' if count > 1 else ''} of the original")
    return found


def _merits(judged: Trial, proof: Proof) -> list[str]:
    found = [f"after an edit of {proof.touched} every download stays cached"]
    before, after = proof.before.warm, judged.warm
    if proof.after is not None and before is not None and after is not None:
        found.append(f"the build after the edit took {_cost(after)} instead of {_cost(before)}")
    if judged.offline is not None:
        found.append("the install works with the network off")
    return found


def _cost(built: Built) -> str:
    received = f" and received {size(built.received)}" if built.received is not None else ""
    return f"{built.seconds:.1f} s{received}"


def size(count: int) -> str:
    """A number of bytes for people, in powers of ten."""
    if count < 1000:
        return f"{count} B"
    for unit, factor in (("kB", 10**3), ("MB", 10**6)):
        if count < 999.95 * factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 10**9:.1f} GB"
