"""The report of ``verify``: a table of steps for each text that was built, and the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from dockerlayer.report.json import header
from dockerlayer.report.visible import Paint, decodable, plain, shown, shown_path, width
from dockerlayer.verify.builder import Built
from dockerlayer.verify.images import Difference, topmost
from dockerlayer.verify.progress import STOPPED, StepRun
from dockerlayer.verify.subject import INSTALL
from dockerlayer.verify.trial import Proof, Trial
from dockerlayer.verify.verdict import Outcome, Verdict, size

_STEP_WIDTH = 64
_LOG_LINES = 30
_EXAMPLES = 5
_ROLES = {Outcome.PROVEN: "added", Outcome.NOT_PROVEN: "error", Outcome.NOT_RUN: "warning"}


def proof_text(proof: Proof, verdict: Verdict, builder: str, paint: Paint = plain) -> str:
    """The report for people; ``builder`` names the builder and its version."""
    lines = [f"{paint('path', shown_path(proof.path))}, built by {shown(builder)}"]
    if proof.touched is not None:
        lines.append(f"edited between the builds: {shown(proof.touched)}")
    for trial in (proof.before, proof.after):
        if trial is not None:
            lines += ["", paint("note", trial.title), *_table(trial), *_failure(trial)]
    lines += ["", *_images(proof)]
    lines.append(f"{paint(_ROLES[verdict.outcome], verdict.outcome.replace('-', ' '))}: {shown(verdict.reasons[0])}")
    lines += [f"  {shown(reason)}" for reason in verdict.reasons[1:]]
    return "\n".join(lines) + "\n"


def _table(trial: Trial) -> Iterator[str]:
    rows = [("", "first build", "", "after the edit", "")]
    warm = {(run.stage, run.number): run for run in trial.warm.steps} if trial.warm is not None else {}
    for run in sorted(trial.cold.steps, key=lambda run: (_order(trial, run), run.number)):
        again = warm.get((run.stage, run.number))
        rows.append((_title(trial, run), *_cells(run), *_cells(again)))
    rows.append(("whole build", *_total(trial.cold), *_total(trial.warm)))
    widths = [max(width(row[at]) for row in rows) for at in range(5)]
    for row in rows:
        cells = [row[0] + " " * (widths[0] - width(row[0]))]
        cells += [row[at].rjust(widths[at]) for at in (1, 2, 3, 4)]
        yield "  " + "  ".join(cells).rstrip()


def _order(trial: Trial, run: StepRun) -> int:
    stages = trial.subject.survey.analysis.build.stages
    return next((stage.index for stage in stages if stage.label == run.stage), 0)


def _title(trial: Trial, run: StepRun) -> str:
    role = next((layer.role for layer in trial.subject.layers if layer.is_made_by(run)), "")
    stage = f"{run.stage} " if run.stage else ""
    text = shown(" ".join(f"{stage}{run.number}/{run.total} {run.text}".split()))
    if width(text) > _STEP_WIDTH:
        text = f"{text[: _STEP_WIDTH - 3]}..."
    return f"{text}  <- {role}" if role else text


def _cells(run: StepRun | None) -> tuple[str, str]:
    if run is None or (run.started is None and not run.cached):
        return "not run", ""
    if run.error:
        return "stopped" if STOPPED in run.error else "failed", ""
    if run.cached:
        return "cached", ""
    return f"{run.seconds:.1f} s", "" if run.received is None else size(run.received)


def _total(built: Built | None) -> tuple[str, str]:
    if built is None:
        return "not run", ""
    return f"{built.seconds:.1f} s", "" if built.received is None else size(built.received)


def _failure(trial: Trial) -> Iterator[str]:
    for built, when in ((trial.cold, ""), (trial.warm, " after the edit"), (trial.offline, " with the network off")):
        if built is not None and not built.ok:
            yield f"  it does not build{when}; the builder said:"
            yield from (f"  | {shown(line)}" for line in built.log.splitlines()[-_LOG_LINES:])
    for layer in trial.surprising():
        yield f"  line {layer.step.line} ran again, though what it depends on is the same: the builder lost its layer"
    installs = trial.built(INSTALL)
    if installs and trial.offline is not None and trial.offline.ok:
        places = ", ".join(str(layer.step.line) for layer in installs)
        yield f"  line{'s' if len(installs) > 1 else ''} {places} with the network off: works"
    elif installs and trial.offline is None:
        yield "  with the network off: not tried, the builder cannot cut it for one step"


def _images(proof: Proof) -> Iterator[str]:
    before, after = proof.before.image, proof.after.image if proof.after is not None else None
    if before is None:
        return
    if after is None:
        yield f"image: {size(before.size)}"
        return
    growth = after.size - before.size
    sign = "-" if growth < 0 else "+"
    yield f"image: {size(before.size)} before, {size(after.size)} after ({sign}{size(abs(growth))})"
    if proof.difference is not None:
        yield from _difference(proof.difference)


def _difference(difference: Difference) -> Iterator[str]:
    yield f"configuration: {', '.join(difference.settings) + ' differ' if difference.settings else 'the same'}"
    kinds = (("missing", difference.missing), ("added", difference.added), ("changed", difference.changed))
    parts = [f"{len(paths)} {kind}{_such_as(paths)}" for kind, paths in kinds if paths]
    yield f"files: {', '.join(parts) or 'the same'}"


def _such_as(paths: Sequence[str]) -> str:
    shortest = [shown(f"/{path}") for path in topmost(paths)]
    return f" ({', '.join(shortest[:_EXAMPLES])}{', ...' if len(shortest) > _EXAMPLES else ''})"


def proof_json(proof: Proof, verdict: Verdict, builder: str) -> str:
    """The same as one JSON document; sizes in bytes, times in seconds, null for what is not known or was not run."""
    document = {
        **header(),
        "path": proof.path,
        "builder": builder,
        "touched": proof.touched,
        "verdict": verdict.outcome.value,
        "reasons": verdict.reasons,
        "before": _trial(proof.before),
        "after": _trial(proof.after),
        "difference": proof.difference._asdict() if proof.difference is not None else None,
    }
    valid = decodable(json.dumps(document, ensure_ascii=False))
    return json.dumps(json.loads(valid), indent=2) + "\n"


def _trial(trial: Trial | None) -> dict[str, Any] | None:
    if trial is None:
        return None
    return {
        "first": _built(trial, trial.cold),
        "after_edit": _built(trial, trial.warm),
        "network_off": _built(trial, trial.offline),
        "size": trial.image.size if trial.image is not None else None,
        "repeated_downloads": [layer.step.line for layer in trial.repeated()],
    }


def _built(trial: Trial, built: Built | None) -> dict[str, Any] | None:
    if built is None:
        return None
    return {
        "ok": built.ok,
        "seconds": round(built.seconds, 3),
        "received": built.received,
        "log": "" if built.ok else built.log,
        "steps": [_step(trial, run, after_edit=built is trial.warm) for run in built.steps],
    }


def _step(trial: Trial, run: StepRun, *, after_edit: bool) -> dict[str, Any]:
    layer = next((layer for layer in trial.subject.layers if layer.is_made_by(run)), None)
    foreseen = trial.foreseen if after_edit else None
    return {
        "stage": run.stage,
        "number": run.number,
        "total": run.total,
        "text": run.text,
        "line": layer.step.line if layer is not None else None,
        "role": (layer.role or None) if layer is not None else None,
        "cached": run.cached,
        "foreseen": layer in foreseen if layer is not None and foreseen is not None else None,
        "seconds": round(run.seconds, 3),
        "received": run.received,
        "error": run.error or None,
    }
