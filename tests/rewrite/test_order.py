"""What stands between the source and a download stays below it, unless the download needs it."""

from pathlib import Path

from dockerlayer.api import Call, Ecosystem, Fetch, Registry, Scene, Split
from dockerlayer.engine import Options, context_for, repair

BUILD = """\
FROM base
WORKDIR /app
COPY . .
ARG {name}=1
RUN toy build
"""


def toy(download: str) -> Ecosystem:
    """An ecosystem whose builds need the source, and whose download needs a list of names."""

    def read(call: Call, scene: Scene) -> Fetch | None:
        if call.arguments != ("build",) or any(other.program == "toy" for other in scene.before(call)):
            return None
        return Fetch(call, "build", "/app", "", needs=("names",), split=Split(download, ()))

    return Ecosystem("toy", "Toy", "https://example.com/", Registry("toys", "nobody", True), "toy", read,
                     environment="TOY_.*")  # fmt: skip


def rewritten(folder: Path, name: str, download: str) -> list[str]:
    (folder / "names").write_text("a\n")
    (folder / "source").write_text("b\n")
    dockerfile = folder / "Dockerfile"
    data = BUILD.format(name=name).encode()
    options = Options(frozenset({"source-before-download"}))
    outcome = repair(data, context_for(dockerfile, None), [toy(download)], options)
    return outcome.data.decode().splitlines()[2:]


def test_an_argument_that_only_the_build_may_read_stays_below(tmp_path: Path) -> None:
    expected = ["COPY names ./", "RUN toy fetch", "COPY . .", "ARG OTHER=1", "RUN toy build"]
    assert rewritten(tmp_path, "OTHER", "toy fetch") == expected


def test_an_argument_that_the_download_names_comes_above(tmp_path: Path) -> None:
    expected = ["ARG OTHER=1", "COPY names ./", "RUN toy fetch $OTHER", "COPY . .", "RUN toy build"]
    assert rewritten(tmp_path, "OTHER", "toy fetch $OTHER") == expected
