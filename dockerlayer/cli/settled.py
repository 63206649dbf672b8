"""What ``config`` answers."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from dockerlayer.api import Ecosystem
from dockerlayer.builds.find import is_build_file
from dockerlayer.cli.configured import Configured, known_to
from dockerlayer.cli.places import Places
from dockerlayer.cli.request import Request
from dockerlayer.config.document import absolute
from dockerlayer.config.fields import schema_of
from dockerlayer.config.find import Finder
from dockerlayer.errors import UsageError
from dockerlayer.report.config import InForce, in_force
from dockerlayer.report.record import built_from


def settled(request: Request, ecosystems: Sequence[Ecosystem]) -> InForce:
    """What is in force for the one file of a request, or for a Dockerfile in a directory that it names.

    Raises ConfigError for a configuration of no use, UsageError for a Compose or Bake file.
    """
    path = request.paths[0]
    if os.path.isdir(path):
        path = os.path.normpath(os.path.join(path, "Dockerfile"))
    elif is_build_file(os.path.basename(path)):
        raise UsageError(f"{path} is no Dockerfile; settings are those of one that it builds: name that")
    configured = Configured(request, ecosystems, Finder())
    configuration = configured.configuration(path)
    excluded = configured.excludes(path, "/")
    builds = built_from(Places().of(path))
    return in_force(path, absolute(path), configuration, configured.rules(configuration), excluded, builds)


def schema_text(ecosystems: Sequence[Ecosystem]) -> str:
    """The JSON schema of a configuration file, with the rules and ecosystems of the plugins."""
    return json.dumps(schema_of(known_to(ecosystems)), indent=2, ensure_ascii=False) + "\n"
