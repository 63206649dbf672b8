"""A plugin in a package of its own: installed as its users would, found, used, and named when it is broken."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"
PLUGINS = FIXTURES / "plugins"
CASES = PLUGINS / "dockerlayer-dart" / "cases"
CONTRACT = """
import sys
from pathlib import Path
from dockerlayer.registry import installed
from dockerlayer.testing import cases, check_plugin, run_case

ecosystems, broken = installed()
(dart,) = [ecosystem for ecosystem in ecosystems if ecosystem.name == "dart"]
folder = Path(sys.argv[1])
check_plugin(dart, folder, ecosystems)
for case in cases(folder):
    found = run_case(case.folder, ecosystems)
    assert found.is_silent == case.is_noop, found.report
    print(case.folder.name, found.report, found.fixed.decode() if found.fixed != found.original else "", sep="\\n")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with both packages, as pip installs them."""
    place = tmp_path_factory.mktemp("site")
    packages = [str(PLUGINS / name) for name in ("dockerlayer-dart", "dockerlayer-broken")]
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--target", str(place)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, *packages], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return place


def python(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH", ""))))
    env = {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, env=env)


def test_plugin_is_found_and_works(site: Path) -> None:
    done = python(site, "-m", "dockerlayer", "check", str(CASES / "naive" / "Dockerfile"))
    assert done.returncode == 1
    assert "every source edit downloads 1 package from pub.dev again" in done.stdout
    assert "fix: install from pub.dev before the source is copied (safe" in done.stdout


def test_broken_plugin_is_named_and_skipped(site: Path) -> None:
    done = python(site, "-m", "dockerlayer", "check", str(CASES / "naive" / "Dockerfile"))
    assert "plugin broken (from dockerlayer-broken): KeyError: 'ecosystem'" in done.stderr
    assert "Traceback" not in done.stderr


def test_plugin_is_listed(site: Path) -> None:
    assert "| Dart pub" in python(site, "-m", "dockerlayer", "ecosystems").stdout


def test_contract_and_cases(site: Path) -> None:
    done = python(site, "-c", CONTRACT, str(CASES))
    assert done.returncode == 0, done.stderr
    assert "no fix: [local-package] pubspec.yaml names packages in directories" in done.stdout
    assert "missing-lockfile: nothing pins what is downloaded" in done.stdout
    assert "COPY pubspec.yaml pubspec.lock ./\nRUN dart pub get\nCOPY . .\nRUN dart compile" in done.stdout
