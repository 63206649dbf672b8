"""The report of ``verify``, to the letter."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from dockerlayer import __version__
from dockerlayer.api import Ecosystem
from dockerlayer.model.context import Context
from dockerlayer.report.verify import proof_json, proof_text
from dockerlayer.report.visible import ansi, width
from dockerlayer.verify.builder import Built
from dockerlayer.verify.images import Difference, Image
from dockerlayer.verify.progress import StepRun
from dockerlayer.verify.subject import Subject, subject_of
from dockerlayer.verify.trial import Proof, Trial
from dockerlayer.verify.verdict import Outcome, Verdict

NAIVE = "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build .\n"
GOOD = "FROM golang:1.22\nWORKDIR /src\nCOPY go.mod ./\nRUN go mod download\nCOPY . .\nRUN go build .\n"
EVIL = "\x1b]0;title\x07\n\u202e\udcff\tx"
PROVEN = Verdict(Outcome.PROVEN, ("first", "second"))

Subjects = Callable[[str], Subject]


@pytest.fixture
def subject(ecosystems: Sequence[Ecosystem]) -> Subjects:
    """The text of a Dockerfile, read."""
    return lambda text: subject_of(text.encode(), Context.nothing(), ecosystems)


def built(text: str, *cells: float | str, ok: bool = True, log: str = "", received: int | None = None) -> Built:
    """A build of a text of one stage; a cell is seconds, or cached, failed, stopped, waiting or absent."""
    lines = [line for line in text.splitlines() if not line.startswith("ENV")]
    steps = []
    for number, (line, cell) in enumerate(zip(lines, cells, strict=True), 1):
        run = StepRun("", number, len(lines), line)
        if isinstance(cell, float):
            count = None if received is None else int(cell * 1000)
            run = run._replace(started=100.0, completed=100.0 + cell, received=count)
        elif cell in {"failed", "stopped"}:
            error = "exit code: 1" if cell == "failed" else "exit code: 137: context canceled: context canceled"
            run = run._replace(started=100.0, completed=101.0, error=error)
        elif cell == "cached":
            run = run._replace(started=100.0, completed=100.0, cached=True)
        if cell != "absent":
            steps.append(run)
    return Built(ok, tuple(steps), sum(cell for cell in cells if isinstance(cell, float)), received, log, "tag")


def full(subject: Subjects) -> Proof:
    before = Trial(
        "as it is",
        subject(NAIVE),
        built(NAIVE, 0.0, 0.1, 0.2, 62.5, received=64_000_000),
        built(NAIVE, "cached", "cached", 0.2, 60.0, received=60_000_000),
        image=Image(100_000_000, {}),
    )
    after = Trial(
        "as fixed",
        subject(GOOD),
        built(GOOD, 0.0, 0.1, 0.2, 40.0, 0.2, 20.0, received=64_000_000),
        built(GOOD, "cached", "cached", "cached", "cached", 0.2, 20.0, received=0),
        built(GOOD, "cached", "cached", "cached", "cached", 0.2, 20.0),
        Image(99_000_000, {}),
    )
    difference = Difference((), (), ("go", "go/a", "go-b"), ("app",))
    return Proof("ci/Dockerfile", "main.go", before, after, difference)


def test_everything(subject: Subjects) -> None:
    assert proof_text(full(subject), PROVEN, "docker (engine 26, buildx 0.13)") == (
        "ci/Dockerfile, built by docker (engine 26, buildx 0.13)\n"
        "edited between the builds: main.go\n"
        "\n"
        "as it is\n"
        "                                   first build           after the edit\n"
        "  1/4 FROM golang:1.22                   0.0 s      0 B          cached\n"
        "  2/4 WORKDIR /src                       0.1 s    100 B          cached\n"
        "  3/4 COPY . .                           0.2 s    200 B           0.2 s    200 B\n"
        "  4/4 RUN go build .  <- download       62.5 s  62.5 kB          60.0 s  60.0 kB\n"
        "  whole build                           62.8 s  64.0 MB          60.2 s  60.0 MB\n"
        "\n"
        "as fixed\n"
        "                                        first build           after the edit\n"
        "  1/6 FROM golang:1.22                        0.0 s      0 B          cached\n"
        "  2/6 WORKDIR /src                            0.1 s    100 B          cached\n"
        "  3/6 COPY go.mod ./                          0.2 s    200 B          cached\n"
        "  4/6 RUN go mod download  <- download       40.0 s  40.0 kB          cached\n"
        "  5/6 COPY . .                                0.2 s    200 B           0.2 s    200 B\n"
        "  6/6 RUN go build .  <- install             20.0 s  20.0 kB          20.0 s  20.0 kB\n"
        "  whole build                                60.5 s  64.0 MB          20.2 s      0 B\n"
        "  line 6 with the network off: works\n"
        "\n"
        "image: 100.0 MB before, 99.0 MB after (-1.0 MB)\n"
        "configuration: the same\n"
        "files: 3 added (/go, /go-b), 1 changed (/app)\n"
        "proven: first\n"
        "  second\n"
    )


def test_failing_build(subject: Subjects) -> None:
    log = "".join(f"line {number}\n" for number in range(40)) + "\x1b[31mred\r\n"
    cold = built(NAIVE, 0.0, "stopped", "failed", "waiting", ok=False, log=log)
    text = proof_text(
        Proof("x", None, Trial("as it is", subject(NAIVE), cold)), Verdict(Outcome.NOT_RUN, ("why",)), "d"
    )
    lines = text.splitlines()
    assert lines[:3] == ["x, built by d", "", "as it is"]
    assert lines[4:9] == [
        "  1/4 FROM golang:1.22                   0.0 s           not run",
        "  2/4 WORKDIR /src                     stopped           not run",
        "  3/4 COPY . .                          failed           not run",
        "  4/4 RUN go build .  <- download      not run           not run",
        "  whole build                            0.0 s           not run",
    ]
    assert lines[9:11] == ["  it does not build; the builder said:", "  | line 11"]
    assert lines[-4:] == ["  | line 39", "  | \u241b[31mred", "", "not run: why"]


def test_later_builds_that_fail(subject: Subjects) -> None:
    good, bad = built(GOOD, *6 * [0.0]), built(GOOD, *6 * [0.0], ok=False, log="no")
    trial = Trial("as fixed", subject(GOOD), good, bad, bad)
    text = proof_text(Proof("x", "a", trial), Verdict(Outcome.NOT_PROVEN, ("why",)), "d")
    assert "  it does not build after the edit; the builder said:\n  | no\n" in text
    assert "  it does not build with the network off; the builder said:\n  | no\n" in text
    assert text.endswith("\nnot proven: why\n")


def test_network_that_cannot_be_cut(subject: Subjects) -> None:
    good = built(GOOD, *6 * [0.0])
    text = proof_text(Proof("x", "a", Trial("as fixed", subject(GOOD), good, good)), PROVEN, "d")
    assert "  with the network off: not tried, the builder cannot cut it for one step\n" in text


def test_one_image(subject: Subjects) -> None:
    trial = Trial("as it is", subject(GOOD), built(GOOD, *6 * [0.0]), image=Image(1234, {}))
    assert "\n\nimage: 1.2 kB\nproven: first\n" in proof_text(Proof("x", "a", trial), PROVEN, "d")


def test_difference(subject: Subjects) -> None:
    proof = full(subject)
    paths = tuple(f"f{number}" for number in range(7))
    text = proof_text(proof._replace(difference=Difference(("User", "Env"), paths, (), (EVIL,))), PROVEN, "d")
    assert "configuration: User, Env differ\n" in text
    assert "files: 7 missing (/f0, /f1, /f2, /f3, /f4, ...), 1 changed (/\u241b]0;title" in text
    assert "files: the same\n" in proof_text(proof._replace(difference=Difference((), (), (), ())), PROVEN, "d")


def test_stages_stand_in_the_order_of_the_file(subject: Subjects) -> None:
    text = "FROM a AS z\nRUN a\nFROM scratch AS empty\nFROM b\nRUN b\nCOPY --from=z / /\n"
    steps = (
        StepRun("stage-2", 3, 3, "COPY --from=z / /"),
        StepRun("stage-2", 1, 3, "FROM b"),
        StepRun("z", 2, 2, "RUN a"),
        StepRun("stage-2", 2, 3, "RUN b"),
        StepRun("z", 1, 2, "FROM a"),
    )
    trial = Trial("as it is", subject(text), Built(True, steps, 0.0, None, "", ""))
    rows = [line.split()[:3] for line in proof_text(Proof("x", None, trial), PROVEN, "d").splitlines()[4:9]]
    assert rows == [
        ["z", "1/2", "FROM"],
        ["z", "2/2", "RUN"],
        ["stage-2", "1/3", "FROM"],
        ["stage-2", "2/3", "RUN"],
        ["stage-2", "3/3", "COPY"],
    ]


@pytest.mark.parametrize("filler", ["x", "\u6f22", "e\u0301", "\x1b[31m", "\t"])
def test_columns_stand_below_each_other(subject: Subjects, filler: str) -> None:
    run = f"RUN {filler * 60}"
    text = f"FROM a\n{run}\nRUN y\n"
    proof = Proof("x", None, Trial("as it is", subject("FROM a\nRUN x\nRUN y\n"), built(text, 0.0, 1.5, 2.5)))
    rows = proof_text(proof, PROVEN, "d").splitlines()[4:8]
    assert len({width(row) for row in rows}) == 1
    assert all(row.isprintable() for row in rows)


def test_text_from_outside_cannot_reach_the_terminal(subject: Subjects) -> None:
    text = f"FROM a\nRUN {EVIL.replace(chr(10), '')}\n"
    cold = built(text, 0.0, 1.0, ok=False, log=EVIL)
    trial = Trial("as it is", subject("FROM a\nRUN x\n"), cold, image=Image(1, {}))
    difference = Difference((), (EVIL,), (EVIL,), (EVIL,))
    verdict = Verdict(Outcome.NOT_PROVEN, (f"it is {EVIL}", EVIL))
    found = proof_text(Proof(EVIL, EVIL, trial, trial, difference), verdict, EVIL)
    assert all(line.isprintable() for line in found.splitlines())
    assert found.count("\n") == len(found.splitlines())
    found = proof_json(Proof(EVIL, EVIL, trial, trial, difference), verdict, EVIL)
    assert found.isascii()
    json.dumps(json.loads(found), ensure_ascii=False).encode()


def test_colours(subject: Subjects) -> None:
    for outcome, code in ((Outcome.PROVEN, "32"), (Outcome.NOT_PROVEN, "1;31"), (Outcome.NOT_RUN, "1;33")):
        text = proof_text(full(subject), Verdict(outcome, ("why",)), "d", ansi)
        assert f"\x1b[{code}m{outcome.replace('-', ' ')}\x1b[0m: why\n" in text
        assert text.startswith("\x1b[1mci/Dockerfile\x1b[0m, built by d\n")


def test_json(subject: Subjects) -> None:
    answer = json.loads(proof_json(full(subject), PROVEN, "docker (1)"))
    before, after = answer.pop("before"), answer.pop("after")
    assert answer == {
        "version": 1,
        "tool": "dockerlayer",
        "tool_version": __version__,
        "path": "ci/Dockerfile",
        "builder": "docker (1)",
        "touched": "main.go",
        "verdict": "proven",
        "reasons": ["first", "second"],
        "difference": {"settings": [], "missing": [], "added": ["go", "go/a", "go-b"], "changed": ["app"]},
    }
    assert list(before) == ["first", "after_edit", "network_off", "size", "repeated_downloads"]
    assert (before["network_off"], before["size"], before["repeated_downloads"]) == (None, 100_000_000, [4])
    assert (after["network_off"]["ok"], after["repeated_downloads"]) == (True, [])
    assert list(after["first"]) == ["ok", "seconds", "received", "log", "steps"]
    assert after["first"]["steps"][0]["line"] is None
    assert after["first"]["steps"][3] == {
        "stage": "",
        "number": 4,
        "total": 6,
        "text": "RUN go mod download",
        "line": 4,
        "role": "download",
        "cached": False,
        "foreseen": None,
        "seconds": 40.0,
        "received": 40_000,
        "error": None,
    }


def test_json_of_what_was_not_run(subject: Subjects) -> None:
    cold = built(NAIVE, 0.0, "cached", "failed", "absent", ok=False, log="no\n")
    proof = Proof("x", None, Trial("as it is", subject(NAIVE), cold))
    answer = json.loads(proof_json(proof, Verdict(Outcome.NOT_RUN, ("why",)), "d"))
    assert (answer["after"], answer["difference"], answer["touched"]) == (None, None, None)
    assert answer["before"]["after_edit"] is None
    assert (answer["before"]["first"]["log"], answer["before"]["size"]) == ("no\n", None)
    assert [step["error"] for step in answer["before"]["first"]["steps"]] == [None, None, "exit code: 1"]
