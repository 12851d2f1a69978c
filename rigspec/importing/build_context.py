"""Files of a Dockerfile's build context, as COPY puts them into the image."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["BuildContext", "StageEnd", "find_copied_paths"]

_FROM = re.compile(r"(?:^|\s)--from=(?P<stage>\S+)")
_OPTION = re.compile(r"(?:^|(?<=\s))--\S+\s")
_QUOTED = re.compile(r'"([^"]*)"')
_ENVIRONMENT_PATH = re.compile(
    r"/(?:[\w.-]*venv[\w.-]*|virtualenv|site-packages|dist-packages|\.local|\.pixi|envs"
    r"|\w*conda\d*|miniforge\d*|mambaforge)(?:/|$)"
)
_PREFIXES = ("/usr/local", "/usr", "/")
# Folders above the Dockerfile that may be the context of the build, such as that of docker/.
_LEVELS = 2


@dataclass
class BuildContext:
    """The working directory of a stage, and its copies of files of the context."""

    folder: Path
    work: str = "/"
    _copies: list[tuple[str, str]] = field(default_factory=list)

    def copy(self) -> BuildContext:
        """Return a context that can be changed without this one."""
        return BuildContext(self.folder, self.work, list(self._copies))

    def apply(self, kind: str, value: str | None) -> None:
        """Follow an instruction COPY, ADD or WORKDIR; one with an unknown variable is skipped."""
        try:
            words = shlex.split(value or "", posix=True)
        except ValueError:
            return
        if not words:
            return
        if kind == "WORKDIR":
            self.work = posixpath.normpath(posixpath.join(self.work, words[0]))
            return
        if any(word.startswith("--from") for word in words) or words[0].startswith("["):
            return
        *sources, target = (word for word in words if not word.startswith("--"))
        into = target.endswith(("/", ".")) or len(sources) > 1
        place = posixpath.normpath(posixpath.join(self.work, target))
        self._copies += [(source, f"{place}/" if into else place) for source in sources]

    def locate(self, path: str) -> str | None:
        """Return the file of the context at a path of the image, relative to the Dockerfile."""
        wanted = posixpath.normpath(posixpath.join(self.work, path))
        for source, place in reversed(self._copies):
            for inside in _inside(source, place, wanted):
                found = self._find(inside)
                if found is not None:
                    return found
        return None

    def _find(self, inside: str) -> str | None:
        """Return the only file at this path below a folder that may be the context."""
        inside = posixpath.normpath(inside).lstrip("/")
        if inside.startswith(".."):
            return None
        paths = (posixpath.join(up, inside) for up in self._contexts())
        found = [path for path in paths if (self.folder / path).is_file()]
        return found[0] if len(found) == 1 else None

    def _contexts(self) -> list[str]:
        """Return the Dockerfile's folder, and those above it in the same repository."""
        ups = [posixpath.join(".", *[".."] * level) for level in range(_LEVELS + 1)]
        for number, up in enumerate(ups):
            if (self.folder / up / ".git").exists():
                return ups[: number + 1]
        return ups[:1]


@dataclass(frozen=True)
class StageEnd:
    """The variables of a session, the folder and the files that a stage ends with."""

    session: dict[str, str]
    context: BuildContext

    def has_environment(self, path: str) -> bool:
        """Return whether a path of the stage is, has or is in an environment of Python."""
        path = posixpath.normpath("/" + path.lstrip("/"))
        if _ENVIRONMENT_PATH.search(path) or path in _PREFIXES:
            return True
        named = (self.session.get(name) for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"))
        places = [self.context.work, *(value for value in named if value)]
        return any(f"{place}/".startswith(f"{path}/") and place != "/" for place in places)


def find_copied_paths(value: str) -> tuple[str | None, list[str]]:
    """Return the stage or image that a COPY names, and the paths that it copies from there."""
    stage = _FROM.search(value)
    if stage is None:
        return None, []
    rest = value[stage.end() :].strip()
    text = _OPTION.sub("", rest).strip()
    words = _QUOTED.findall(text) if text.startswith("[") else text.split()
    return stage["stage"], words[:-1]


def _inside(source: str, place: str, wanted: str) -> list[str]:
    """Return the paths in the context that a copy may have put at the wanted path."""
    name = posixpath.basename(source.rstrip("/"))
    found = []
    if place.rstrip("/") == wanted or (
        place.endswith("/") and posixpath.join(place, name) == wanted
    ):
        found.append(source)
    folder = place.rstrip("/") + "/"
    if wanted.startswith(folder):
        rest = wanted[len(folder) :]
        found.append(posixpath.join(source, rest))
        if "*" in source:
            found.append(posixpath.join(posixpath.dirname(source), rest))
    return found
