"""Plugins are found by their entry points, and a broken one never takes the others down."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from dockerlayer.registry import GROUP, discover, load

PLUGIN = """\
from dockerlayer.api import Ecosystem, Registry
toys = Registry("Toys", "nobody", True)
ecosystem = Ecosystem("toy", "Toy", "https://example.com", toys, "toy", lambda call, scene: None)
"""


def install(place: Path, distribution: str, text: str) -> None:
    folder = place / f"{distribution}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text(text)


def test_the_shipped_plugins_are_what_importlib_metadata_finds() -> None:
    expected = {(point.name, point.value) for point in entry_points(group=GROUP)}
    found = {(plugin.name, plugin.value) for plugin in discover(sys.path)}
    assert found == expected
    assert {name for name, _ in found} >= {"go", "npm", "pip"}


def test_a_third_party_plugin_is_loaded_and_a_broken_one_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy_plugin.py").write_text(PLUGIN)
    install(
        tmp_path,
        "dockerlayer_toy",
        f"[console_scripts]\na = b:c\n\n[{GROUP}]\n# remark\n"
        "toy = toy_plugin:ecosystem\ngone = no_such:x\nodd = toy_plugin:PLUGIN\n",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    ecosystems, broken = load(discover([str(tmp_path)]))
    assert [ecosystem.name for ecosystem in ecosystems] == ["toy"]
    assert broken[0] == "plugin gone (from dockerlayer-toy): ModuleNotFoundError: No module named 'no_such'"
    assert broken[1].startswith("plugin odd (from dockerlayer-toy): AttributeError")


def test_odd_places_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "x-1.dist-info").mkdir()
    (tmp_path / "x-1.dist-info" / "entry_points.txt").write_bytes(b"\xff")
    assert list(discover([str(tmp_path), str(tmp_path / "file"), str(tmp_path / "none")])) == []
