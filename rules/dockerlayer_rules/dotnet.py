""".NET: ``dotnet restore`` downloads from the project files alone, if all of them and the settings above are there.

A build restores by itself, and does nothing where that has been done: it is left as it is. With ``--no-restore`` it
would fail wherever the two commands see other properties (NETSDK1004, NETSDK1047, NETSDK1064), so that is not written.
"""

from __future__ import annotations

from dockerlayer.api import (
    Ecosystem,
    Example,
    Practice,
    Registry,
    deferred,
)

ecosystem = Ecosystem(
    name="dotnet",
    title="NuGet (.NET)",
    docs="https://learn.microsoft.com/dotnet/core/tools/dotnet-restore",
    registry=Registry("NuGet", "Microsoft", donated=False),
    programs=r"dotnet",
    read=deferred("dockerlayer_rules._read_dotnet", "read"),
    practice=Practice("`dotnet restore`", "`dotnet build --no-restore`", "yes, canonical"),
    effect=deferred("dockerlayer_rules._read_dotnet", "effect"),
    use=deferred("dockerlayer_rules._use_dotnet", "use"),
    cache_names=r"(?:^|/)\.nuget(?:/|\Z)|NuGet",
    other_caches=(r"/obj/?$", r"/bin/?$", r"/node_modules/?$", r"/\.npm/?$"),
    home_files=(".nuget", ".config/NuGet", ".dotnet"),
    patterns=("split", "narrow"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM mcr.microsoft.com/dotnet/sdk:8.0
            WORKDIR /app
            COPY . .
            RUN dotnet restore
            RUN dotnet publish --no-restore -o /out
            """,
            """
            FROM mcr.microsoft.com/dotnet/sdk:8.0
            WORKDIR /app
            COPY *.csproj ./
            RUN dotnet restore
            COPY . .
            RUN dotnet publish --no-restore -o /out
            """,
        ),
    ),
)
