"""What the README says for editors: Neovim does what it says there, and the others can at least read it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAIVE = ROOT / "fixtures" / "npm" / "naive"

# All safe fixes, made by Neovim's own code for edits, once the server's diagnostics have come.
_SESSION = """
local came = vim.wait(60000, function() return #vim.diagnostic.get(0) > 0 end, 20)
local found = vim.diagnostic.get(0)[1] or {}
local params = vim.lsp.util.make_range_params()
params.context = { diagnostics = {}, only = { "source.fixAll" } }
local answers = vim.lsp.buf_request_sync(0, "textDocument/codeAction", params, 60000)
for id, answer in pairs(answers or {}) do
  for _, action in pairs(answer.result or {}) do
    vim.lsp.util.apply_workspace_edit(action.edit, vim.lsp.get_client_by_id(id).offset_encoding)
  end
end
local clean = vim.wait(60000, function() return #vim.diagnostic.get(0) == 0 end, 20)
vim.cmd("write")
io.write(vim.inspect({ came, found.code, found.lnum, clean }):gsub("%s+", " "))
"""


def _block(name: str) -> str:
    text = (ROOT / "README.md").read_text("utf-8")
    (shown,) = re.findall(rf"<!-- {name} -->\n```\w+\n(.*?)```\n", text, re.DOTALL)
    return str(shown)


@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")
def test_neovim(
    environment: dict[str, str], cli: Callable[..., subprocess.CompletedProcess[bytes]], tmp_path: Path
) -> None:
    project, twin = tmp_path / "project", tmp_path / "twin"
    for directory in (project, twin):
        shutil.copytree(NAIVE, directory, ignore=shutil.ignore_patterns("expected"))
    (tmp_path / "init.lua").write_text(_block("neovim"))
    (tmp_path / "session.lua").write_text(_SESSION)
    program = tmp_path / "bin" / "dockerlayer"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dockerlayer "$@"\n')
    program.chmod(0o755)
    words = ["nvim", "--headless", "-u", str(tmp_path / "init.lua"), "-i", "NONE", "-n", "Dockerfile"]
    done = subprocess.run(
        [*words, "-c", f"luafile {tmp_path / 'session.lua'}", "-c", "qall!"],
        cwd=project,
        env={**environment, "HOME": str(tmp_path), "PATH": f"{program.parent}:{environment['PATH']}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert '{ true, "source-before-download", 3, true }' in done.stdout, done.stdout + done.stderr
    assert cli("fix", twin / "Dockerfile").returncode == 0
    assert (project / "Dockerfile").read_bytes() == (twin / "Dockerfile").read_bytes()


def test_other_editors_can_read_their_part() -> None:
    helix = tomllib.loads(_block("helix"))
    assert [helix["language-server"]["dockerlayer"][key] for key in ("command", "args")] == ["dockerlayer", ["lsp"]]
    assert "dockerlayer" in helix["language"][0]["language-servers"]
    code = json.loads(_block("vscode"))
    assert [code["glspc.server.command"], *code["glspc.server.commandArguments"]] == ["dockerlayer", "lsp"]
