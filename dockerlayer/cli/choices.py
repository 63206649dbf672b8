"""What the options of commands can be; imported without Typer, so that a plain ``check`` starts without it."""

from __future__ import annotations

import os
from enum import StrEnum

from dockerlayer.errors import UsageError


class Format(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"


class ReportFormat(StrEnum):
    """How a report on files is written: each is a module of ``dockerlayer.report``."""

    TEXT = "text"
    CONCISE = "concise"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"
    JUNIT = "junit"
    CHECKSTYLE = "checkstyle"
    RDJSON = "rdjson"
    MARKDOWN = "markdown"


class FailOn(StrEnum):
    """The least severity of a finding that ends a run with 1."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


class PageFormat(StrEnum):
    """How a page is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


class Colour(StrEnum):
    """When a text report is coloured."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Pattern(StrEnum):
    """Which fix is preferred; `dockerlayer explain patterns` says what each does and costs."""

    SPLIT = "split"
    NARROW = "narrow"
    STAGE = "stage"
    HYBRID = "hybrid"


class Profile(StrEnum):
    """The builder that what is written must be good for."""

    BUILDKIT = "buildkit"
    BUILDAH = "buildah"
    KANIKO = "kaniko"
    LEGACY = "legacy"


def context_directory(path: str | None) -> str | None:
    """The directory that ``--context`` names, if it is one."""
    if path is not None and not os.path.isdir(path):
        raise UsageError(f"--context {path}: {'not a directory' if os.path.lexists(path) else 'no such directory'}")
    return path
