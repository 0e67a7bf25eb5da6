"""Pinned artifacts of Maven Central, kept in a working directory; they never become part of this repository."""

from __future__ import annotations

import pathlib
import subprocess

TIMEOUT_S = 900
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
COPY_ALL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def _maven(arguments: list[str], directory: pathlib.Path) -> None:
    done = subprocess.run(["mvn", "-B", "-q", *arguments], cwd=directory, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise SystemExit(f"mvn {arguments[-1]}: {done.stdout[-3000:]}")


def fetch(artifact: str, directory: pathlib.Path) -> pathlib.Path:
    """One file, `group:name:version[:packaging]`, without what it depends on."""
    _, name, version, *packaging = artifact.split(":")
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{name}-{version}.{packaging[0] if packaging else 'jar'}"
    if not file.is_file():
        _maven([COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={directory}"], directory)
    return file


def fetch_all(artifacts: list[str], directory: pathlib.Path, excluded: tuple[str, ...] = ()) -> list[pathlib.Path]:
    """With all that they need at run time. `excluded`: `group:name` that no one of them may bring."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = "\n".join([*artifacts, *excluded])
    told = directory / "artifacts.txt"
    if not told.is_file() or told.read_text() != wanted:
        exclusions = "".join(
            f"<exclusion><groupId>{group}</groupId><artifactId>{name}</artifactId></exclusion>"
            for group, name in (text.split(":") for text in excluded)
        )
        dependencies = "".join(
            f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>"
            f"<exclusions>{exclusions}</exclusions></dependency>"
            for group, name, version in (text.split(":") for text in artifacts)
        )
        (directory / "pom.xml").write_text(
            "<project><modelVersion>4.0.0</modelVersion><groupId>bench</groupId><artifactId>engine</artifactId><version>1</version>"
            f"<dependencies>{dependencies}</dependencies></project>"
        )
        for old in directory.glob("*.jar"):
            old.unlink()
        _maven([COPY_ALL, "-DincludeScope=runtime", f"-DoutputDirectory={directory}"], directory)
        told.write_text(wanted)
    return sorted(directory.glob("*.jar"))
