"""Maven: ``dependency:go-offline`` needs the poms and nothing else, but is no lockfile's twin.

It leaves out what plugins fetch while they run (surefire its test providers), so the build is left online. It also
resolves more than a build does (plugins for the site and the deployment, modules that are not built yet), and fails
where one of those is not to be had. With ``--fail-never`` it takes what it can get and ends with 0 whatever happens,
even for a missing parent, module or plugin (measured with Maven 3.6.3 and 3.9.9): it cannot break a build.
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
    name="maven",
    title="Maven",
    docs="https://maven.apache.org/plugins/maven-dependency-plugin/go-offline-mojo.html",
    registry=Registry("Maven Central", "Sonatype", donated=True),
    programs=r"mvn|mvnw|maven",
    read=deferred("dockerlayer_rules._read_maven", "read"),
    practice=Practice("`mvn dependency:go-offline`", "`mvn -o`, if nothing is left out", "often, with gaps"),
    effect=deferred("dockerlayer_rules._read_maven", "effect"),
    use=deferred("dockerlayer_rules._use_maven", "use"),
    cache_names=r"(?:^|/)\.m2(?:/|\Z)",
    other_caches=(r"/target/?$", r"/\.cache(?:/|$)", r"/node_modules/?$", r"/\.npm/?$"),
    home_files=(".m2", ".mavenrc"),
    environment=r"M(?:AVE|V)N_.*|M2_.*|JAVA_.*|JDK_.*|.*(?:PROXY|proxy|TOKEN|PASSWORD|USERNAME).*|HOME|PATH",
    patterns=("split", "narrow"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM maven:3.9-eclipse-temurin-21
            WORKDIR /app
            COPY . .
            RUN mvn -B package
            """,
            """
            FROM maven:3.9-eclipse-temurin-21
            WORKDIR /app
            COPY pom.xml ./
            RUN mvn -B dependency:go-offline
            COPY . .
            RUN mvn -B package
            """,
        ),
    ),
)
