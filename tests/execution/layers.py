"""A system whose every trial is a layer over one that is kept: made and thrown away in no time."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.execution.shell_trace import collect_lines, open_trace, trace_settings

_LAYERED = ("etc", "home", "opt", "root", "srv", "usr", "var")
_ENVIRONMENT = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8")

# In a mount namespace of its own: `/` is a folder of a real disk, which GRUB wants to see.
_MOUNT = """
set -e
base=$1 trial=$2; shift 2
mount --bind "$trial/root" "$trial/root"
for part in {parts}; do
  folders="lowerdir=$base/$part,upperdir=$trial/up/$part,workdir=$trial/scratch/$part"
  mount -t overlay overlay -o "$folders" "$trial/root/$part"
done
mount --rbind /dev "$trial/root/dev"
mount -t proc proc "$trial/root/proc"
exec "$@"
""".format(parts=" ".join(_LAYERED))


@dataclass(frozen=True)
class Layer:
    """A system of its own; ``path`` holds what differs from ``base``."""

    base: Path
    path: Path

    @classmethod
    def over(cls, base: Path, path: Path) -> Layer:
        root = path / "root"
        for part in (*_LAYERED, "boot/grub", "dev", "proc", "run", "sys", "tmp"):
            (root / part).mkdir(parents=True)
        for part in _LAYERED:
            (path / "up" / part).mkdir(parents=True)
            (path / "scratch" / part).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        for link in ("bin", "sbin", "lib", "lib64"):
            (root / link).symlink_to(f"usr/{link}")
        return cls(base, path)

    def add(self, source: Path, place: str) -> None:
        """Copy a folder into the system, before anything runs in it."""
        top, _, rest = place.partition("/")
        target = self.path / "up" / top / rest
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)

    def copy(self, path: Path) -> Layer:
        """The same system once more, to go another way from here."""
        subprocess.run(["cp", "-a", self.path, path], check=True)
        return Layer(self.base, path)

    def started(self, *command: str, settings: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        variables = (*_ENVIRONMENT, *trace_settings(), *settings)
        return subprocess.Popen(
            [
                *self._mounted(),
                *("chroot", str(self.path / "root"), "env", "-i", *variables),
                *command,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=open_trace(),
        )

    def run(self, *command: str, settings: tuple[str, ...] = ()) -> tuple[int, str]:
        process = self.started(*command, settings=settings)
        output, _ = process.communicate()
        collect_lines((self.path / "up", self.path / "root"))
        return process.returncode, output

    def outcome(self) -> dict[str, tuple[object, ...]]:
        """Every file that differs from the base: mode, owner and contents."""
        found: dict[str, tuple[object, ...]] = {}
        for layer, base in ((self.path / "up", self.base), (self.path / "root", None)):
            for folder, folders, files in os.walk(layer):
                here = Path(folder).relative_to(layer)
                folders[:] = [name for name in folders if str(here / name) not in _IGNORED]
                for name in (*folders, *files):
                    place = str(here / name)
                    # Python compiles when it first imports: the times of sources stand in it.
                    if place in _IGNORED or "__pycache__" in place:
                        continue
                    kept = _described(layer / place)
                    if (
                        base is None
                        or not _exists(base / place)
                        or _described(base / place) != kept
                    ):
                        found[place] = kept
        return found

    def _mounted(self) -> tuple[str, ...]:
        options = ("--mount", "--pid", "--fork", "--kill-child")
        return ("unshare", *options, "bash", "-c", _MOUNT, "-", str(self.base), str(self.path))


# What no run leaves as another did: logs, indexes and caches, backups of the account files, the
# order of dpkg's own list.
_IGNORED = (
    *("dev", "proc", "run", "sys", "tmp", "var/log", "var/cache/apt", "var/cache/ldconfig"),
    *("var/lib/apt/lists", "var/lib/dpkg/status-old", "var/lib/dpkg/lock"),
    *("var/lib/dpkg/lock-frontend", "var/lib/dpkg/triggers/Lock", "var/cache/debconf", "root/rig"),
    *("etc/passwd-", "etc/shadow-", "etc/group-", "etc/gshadow-", "etc/subuid-", "etc/subgid-"),
    *("var/lib/apt/periodic", "etc/.pwd.lock", "srv"),
)


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _described(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    return (oct(status.st_mode), status.st_uid, status.st_gid, _content(path))


def _content(path: Path) -> str:
    if path.is_symlink():
        return str(path.readlink())
    if path.parts[-4:] == ("var", "lib", "dpkg", "status"):
        # dpkg writes it in an order of its own.
        return "\n\n".join(sorted(path.read_text("utf-8").strip().split("\n\n")))
    if path.name.startswith("contents."):
        # The times of what was put there stand in it.
        return path.read_text("utf-8").partition("\t")[0]
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
