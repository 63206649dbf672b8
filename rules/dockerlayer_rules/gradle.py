"""Gradle: what its builds download is told, and no rewrite is made.

Gradle has no command that downloads what a build needs (gradle/gradle#14051, open since 2020). ``gradle dependencies``
reads metadata of the root project alone and fetches no jar: offline, the build after it fails (measured with 4.4.1).
What helps is a cache mount on Gradle's home, and for a wrapper a layer of its own, since ``./gradlew --version`` needs
``gradlew`` and ``gradle/wrapper`` and fetches the distribution of well over 100 MB.
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
    name="gradle",
    title="Gradle",
    docs="https://docs.gradle.org/current/userguide/dependency_caching.html",
    registry=Registry("Maven Central", "Sonatype", donated=True),
    programs=r"gradle|gradlew",
    read=deferred("dockerlayer_rules._read_gradle", "read"),
    practice=Practice("none (gradle/gradle#14051)", "`gradle --offline`", "no; cache mounts"),
    effect=deferred("dockerlayer_rules._read_gradle", "effect"),
    use=deferred("dockerlayer_rules._use_gradle", "use"),
    cache_names=r"(?:^|/)\.gradle(?:/|\Z)",
    other_caches=(r"/build/?$", r"/node_modules/?$", r"/\.npm/?$"),
    home_files=(".gradle",),
    examples=(
        Example(
            "source-before-download",
            """
            FROM gradle:8-jdk21
            WORKDIR /app
            COPY . .
            RUN gradle build
            """,
            """
            FROM gradle:8-jdk21
            WORKDIR /app
            COPY . .
            RUN --mount=type=cache,target=/home/gradle/.gradle,sharing=locked gradle build
            """,
        ),
    ),
)
