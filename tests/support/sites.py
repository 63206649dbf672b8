"""A directory for the module path that looks as if packages with plugins were installed there."""

from __future__ import annotations

import os
from pathlib import Path

import dockerlayer

ROOT = Path(dockerlayer.__file__).parent.parent


def add_module(site: Path, name: str, text: str) -> None:
    """Put a module there."""
    (site / f"{name}.py").write_text(text)


def add_plugin(site: Path, name: str, entry: str) -> None:
    """Put a distribution there that has a plugin, as an installer would leave it."""
    info = site / f"{name}_dist-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-dist\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[dockerlayer.ecosystems]\n{name} = {entry}\n")


def environment_of(home: Path, *sites: Path) -> dict[str, str]:
    """What the program's environment is made of, whatever that of the tests holds, installed or not."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    modules = os.pathsep.join(map(str, (ROOT, ROOT / "rules", *sites)))
    return {**kept, "PYTHONPATH": modules, "HOME": str(home), "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
