"""The trial: each text built from nothing, built again after one edit, and once more with its installs cut off."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.model.context import Context
from dockerlayer.model.keys import Keys, cache_keys, cached, needed
from dockerlayer.model.layers import Analysis
from dockerlayer.model.stages import Step
from dockerlayer.verify.builder import Builder, Built, Request
from dockerlayer.verify.images import Difference, Image, compare, image_of
from dockerlayer.verify.progress import StepRun
from dockerlayer.verify.subject import DOWNLOAD, INSTALL, Layer, Subject, subject_of
from dockerlayer.verify.touch import Edited, source_file
from dockerlayer.verify.workspace import Workspace

Tell = Callable[[str], None]


class Trial(NamedTuple):
    """One text and its builds; those that were not made, or made no sense any more, are None.

    ``stages`` are the numbers of those that the target needs. ``foreseen`` are the layers that the edit should leave
    cached by what they depend on; None if that is not known.
    """

    title: str
    subject: Subject
    cold: Built
    warm: Built | None = None
    offline: Built | None = None
    image: Image | None = None
    foreseen: tuple[Layer, ...] | None = None
    stages: frozenset[int] | None = None

    def surprising(self) -> tuple[Layer, ...]:
        """The layers that ran again after the edit although nothing that they depend on had changed."""
        if self.warm is None:
            return ()
        again = [run for run in self.warm.steps if run.ran]
        return tuple(layer for layer in self.foreseen or () if any(map(layer.is_made_by, again)))

    def built(self, role: str) -> tuple[Layer, ...]:
        """The layers of a role that this target needs at all."""
        layers = self.subject.of_role(role)
        reached = [layer for layer in layers if self.stages is None or layer.step.stage.index in self.stages]
        return tuple(layer for layer in reached if self._runs(layer, self.cold))

    def repeated(self) -> tuple[Layer, ...]:
        """The downloads that ran again after the edit, or of which the builder did not say that they were cached."""
        if self.warm is None:
            return ()
        runs = {layer: self._runs(layer, self.warm) for layer in self.built(DOWNLOAD)}
        return tuple(layer for layer, found in runs.items() if not found or not all(run.cached for run in found))

    def _runs(self, layer: Layer, built: Built) -> list[StepRun]:
        """What a build says of a layer; of equal steps in two stages it speaks as one, by the name of either."""
        text = layer.step.instruction.logical
        twins = [other for other in self.subject.layers if other.step.instruction.logical == text]
        return [run for run in built.steps if any(twin.is_made_by(run) for twin in twins)]

    @property
    def felt_the_edit(self) -> bool:
        """Whether any step ran again after the edit."""
        return self.warm is not None and any(not run.cached for run in self.warm.steps if not run.is_base)


class Proof(NamedTuple):
    """All that was tried with one Dockerfile. ``after`` is None when it was built as it is only."""

    path: str
    touched: str | None
    before: Trial
    after: Trial | None = None
    difference: Difference | None = None


def prove(
    path: str,
    texts: Sequence[bytes],
    context: Context,
    ecosystems: Sequence[Ecosystem],
    builder: Builder,
    request: Request,
    touch: str | None,
    tell: Tell,
    ignore: Sequence[str] = (),
) -> Proof:
    """Build the texts (as it is, and as it would be) in a copy of the context; nothing is left behind.

    ``ignore`` are the lines that the ignore file has got for the texts as they would be. ``request``
    has the user's options; its paths and tag are filled in here. Raises BuilderError, InputError.
    """
    replaced = [value.partition("=")[0] for value in request.contexts]
    subjects = [subject_of(texts[0], context, ecosystems, replaced=replaced)]
    subjects += [subject_of(text, context.ignoring(ignore), ecosystems, subjects[0], replaced) for text in texts[1:]]
    touched = source_file(subjects[0], context, touch)
    tell("copying the build context")
    with Workspace(Path(path), context) as workspace, _Bench(workspace, builder, request, touched, tell) as bench:
        before = bench.try_out("as it is", subjects[0])
        if len(subjects) == 1 or not before.cold.ok:
            return Proof(path, touched, before)
        again = bench.image(before.warm)
        after = bench.try_out("as fixed", subjects[1], ignore)
        difference = None
        if before.image is not None and after.image is not None:
            difference = compare(before.image, again, after.image, (texts[0], texts[1]))
        return Proof(path, touched, before, after, difference)


class _Bench:
    """Where texts are tried: knows the images it made, and removes them."""

    def __init__(
        self, workspace: Workspace, builder: Builder, request: Request, touched: str | None, tell: Tell
    ) -> None:
        self._workspace = workspace
        self._builder = builder
        self._request = request._replace(dockerfile=workspace.dockerfile, context=workspace.context)
        self._touched = workspace.context / touched if touched is not None else None
        self._tell = tell
        self._name = f"dockerlayer-verify:{secrets.token_hex(8)}"
        self._tags: list[str] = []

    def __enter__(self) -> _Bench:
        return self

    def __exit__(self, *error: object) -> None:
        for tag in self._tags:
            self._builder.remove(tag)

    def try_out(self, title: str, subject: Subject, ignore: Sequence[str] = ()) -> Trial:
        """Build a text three times: from nothing, after an edit, and with the network off where that is asked."""
        self._workspace.write(subject.text, ignore)
        trial = Trial(title, subject, self._build(f"{title}, first build", no_cache=self._request.no_cache))
        if not trial.cold.ok:
            return trial
        reached = needed(subject.survey.analysis.build, self._request.target)
        stages = frozenset(stage.index for stage in reached) or None
        trial = trial._replace(image=self.image(trial.cold), stages=stages)
        if self._touched is not None:
            before = self._keys(subject) if self._builder.keys_are_buildkits else None
            with Edited(self._touched):
                trial = trial._replace(warm=self._build(f"{title}, after an edit"))
                if before is not None:
                    trial = trial._replace(foreseen=_foreseen(subject, before, self._keys(subject)))
        if trial.built(INSTALL) and self._builder.can_cut_network:
            self._workspace.write(subject.without_network(), ignore)
            offline = self._build(f"{title}, installing with the network off", keep=False)
            # A frontend that an old `# syntax=` names need not know RUN --network.
            if offline.ok or "unknown flag" not in offline.log:
                trial = trial._replace(offline=offline)
        return trial

    def _keys(self, subject: Subject) -> Keys:
        """The cache keys of the text as the workspace is now."""
        context = Context.open(self._workspace.context, self._workspace.dockerfile)
        analysis = Analysis(subject.survey.analysis.dockerfile, context)
        given = (value.partition("=") for value in self._request.args)
        args = {name: value if equals else os.environ.get(name, "") for name, equals, value in given}
        return cache_keys(analysis, args, self._request.target)

    def _build(self, title: str, *, no_cache: bool = False, keep: bool = True) -> Built:
        tag = f"{self._name}-{len(self._tags)}" if keep else ""
        if keep:
            self._tags.append(tag)
        self._tell(title)
        request = self._request._replace(tag=tag, no_cache=no_cache)
        return self._builder.build(request, lambda step: self._tell(f"{title}: {step}"))

    def image(self, built: Built | None) -> Image | None:
        """What a build has made."""
        if built is None or not built.ok:
            return None
        self._tell("reading the image")
        return image_of(self._builder, built.tag)


def _foreseen(subject: Subject, before: Keys, after: Keys) -> tuple[Layer, ...]:
    kept = {layer.instruction.start for layer in cached(before, after) if isinstance(layer, Step)}
    return tuple(layer for layer in subject.layers if layer.step.instruction.start in kept)
