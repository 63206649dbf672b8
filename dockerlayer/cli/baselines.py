"""The baselines of a run: read before the files are examined; compared with what was found, or written, behind that."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence

from dockerlayer.baseline import Baseline, Known, baseline_text, entry_path, read_baseline
from dockerlayer.cli.replace import make_or_replace
from dockerlayer.cli.terminal import say
from dockerlayer.cli.work import Result, Source
from dockerlayer.errors import InputError
from dockerlayer.report.text import count
from dockerlayer.source import read_file


class Baselines:
    """``writing`` is the baseline to write; without it the baseline of each file's settings is held against it."""

    def __init__(self, writing: str | None = None) -> None:
        self._writing = writing
        self._baselines: dict[str, Baseline] = {}
        self._rules: dict[tuple[str, str], frozenset[str]] = {}
        self._counted: dict[tuple[str, str], Known] = {}
        self._left = 0

    def opened(self, sources: Sequence[Source]) -> list[Source]:
        """The sources with what their baselines list; raises InputError for a baseline that cannot be used."""
        if self._writing is not None:
            old = os.path.lexists(self._writing)
            self._baselines[self._writing] = read_baseline(self._writing) if old else Baseline(self._writing, {})
            return list(sources)
        return [self._with_known(source) for source in sources]

    def _with_known(self, source: Source) -> Source:
        file = source.settings.baseline
        if file is None or not source.placed:
            return source
        if file not in self._baselines:
            self._baselines[file] = read_baseline(file)
        return source._replace(known=self._baselines[file].of(source.path))

    def add(self, result: Result) -> None:
        """Count what came of one file."""
        self._left += result.tally.problems
        source = result.source
        file = self._writing or source.settings.baseline
        counted = result.listed if self._writing is not None else result.gone
        # A text from standard input is not what the file holds.
        if file is None or counted is None or (self._writing is None and source.data is not None):
            return
        key = (file, entry_path(file, source.path))
        rules = source.settings.options.rules
        if key in self._counted:
            # The same file for two builds: a finding of either is there, and gone is what both have not.
            before = self._counted[key]
            counted = before | counted if self._writing is not None else before & counted
            rules |= self._rules[key]
        self._counted[key] = counted
        self._rules[key] = rules

    def close(self) -> None:
        """Write the baseline, or tell what can go from those that were used; raises InputError."""
        if self._writing is not None:
            self._write(self._baselines[self._writing])
            return
        for file, baseline in self._baselines.items():
            stale = sum(len(entries) for entries in self._stale(baseline).values())
            if stale:
                command = f"dockerlayer check --write-baseline {file}"
                them = "it" if stale == 1 else "them"
                entries = count(stale, "entry", "entries")
                say(f"note: {entries} of {file} found nothing any more; `{command}` takes {them} out")

    def _stale(self, baseline: Baseline) -> Mapping[str, list[tuple[str, str]]]:
        """The entries that stand for nothing any more; of files that were not examined those that are not there."""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for path, known in baseline.known.items():
            key = (baseline.file, path)
            if key in self._counted:
                found[path] = [entry for entry in self._counted[key] if entry[0] in self._rules[key]]
            elif not _is_there(baseline.file, path):
                found[path] = list(known)
        return found

    def _write(self, old: Baseline) -> None:
        listed = {path: known for (_, path), known in self._counted.items()}
        # What this run did not look at stays: other rules, other files that are there.
        for path, known in old.known.items():
            rules = self._rules.get((old.file, path), frozenset())
            if path in listed:
                listed[path] |= Known({entry: number for entry, number in known.items() if entry[0] not in rules})
            elif _is_there(old.file, path):
                listed[path] = known
        new = baseline_text(listed).encode()
        try:
            before = read_file(old.file) if os.path.lexists(old.file) else None
            if before != new:
                make_or_replace(old.file, before, new)
        except InputError as error:
            raise InputError(f"{old.file}: {error}") from error
        files = [known for known in listed.values() if known]
        entries = sum(len(known) for known in files)
        left = f"; {count(self._left, 'problem')} cannot be in it: see above" if self._left else ""
        say(f"{old.file} has {count(entries, 'entry', 'entries')} for {count(len(files), 'file')}{left}")


def _is_there(baseline: str, path: str) -> bool:
    return os.path.lexists(os.path.join(os.path.dirname(os.path.abspath(baseline)), path))
