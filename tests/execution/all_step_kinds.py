"""A rig with every kind of step, small enough to be installed in seconds and without a network."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
import textwrap
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.fs.atomic_tree import write_tree_atomically
from rigspec.lock.lockfile import read_lock
from rigspec.lock.model import LockedFile, LockedPythonPackage
from rigspec.lock.python.requirements_file import parse_requirements
from rigspec.plan import steps
from rigspec.plan.model import BaseImage, PayloadFile, Plan
from rigspec.plan.paths import APT_SOURCE_LINE, CHECK_PACKAGES
from tests.conftest import ROOT
from tests.execution.roots import SystemRoot, make_root
from tests.lock.signed_archive import Keys, SignedArchive, package

NEEDED = (
    "curl",
    "ca-certificates",
    "gnupg",
    "make",
    "python3-venv",
    "python3-pip",
    "systemd",
    "grub2-common",
)
ARCHIVE = "file:///srv/archive"
# pip is the system's: to unpack another one would be most of the time of a trial.
VENV = ("--system-site-packages", "--without-pip")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0000000000000000000000000000000000000000000 ada"
UNIT = """\
[Unit]
Description=A service of the rig

[Service]
ExecStart=/bin/sleep infinity

[Install]
WantedBy=multi-user.target
"""


def every_base(cache: Path) -> Path:
    """Debian 12 with what the steps call, and without any source of packages."""
    kept = cache / "bookworm-every-kind"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / ".bookworm-every-kind.lock"):
        if not (kept / "etc" / "os-release").exists():
            _make_every_base(cache).rename(kept)
    return kept


def _make_every_base(cache: Path) -> Path:
    staged = cache / ".bookworm-every-kind.partial"
    shutil.rmtree(staged, ignore_errors=True)
    subprocess.run(["cp", "-a", make_root("bookworm", cache), staged], check=True)
    root = SystemRoot(staged)
    apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq")
    root.run(*apt, "update")
    root.run(*apt, "install", "--yes", "--no-install-recommends", *NEEDED)
    root.run("apt-get", "clean")
    for path in ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/lib/apt/lists"):
        shutil.rmtree(staged / path, ignore_errors=True)
    (staged / "etc/apt/sources.list").write_text("", encoding="utf-8")
    (staged / "boot/grub").mkdir(parents=True, exist_ok=True)
    return staged


@dataclass(frozen=True)
class Supplies:
    """What the rig fetches, in a folder that stands at /srv in the system."""

    folder: Path
    keys: Keys

    def file(self, name: str, content: bytes) -> LockedFile:
        (self.folder / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return LockedFile(name, f"file:///srv/{name}", digest, pinned_by="spec")

    def repository(self, *packages: tuple[str, str, str]) -> dict[str, str]:
        """A signed repository of real packages; the sha256 of each."""
        place = self.folder / "repository"
        place.mkdir(parents=True)
        paragraphs, sums = [], {}
        for name, version, depends in packages:
            file = built_package(self.folder / "tree", place, name, version, depends)
            data = file.read_bytes()
            sums[name] = hashlib.sha256(data).hexdigest()
            about = {"Filename": f"./{file.name}", "Size": str(len(data)), "SHA256": sums[name]}
            if depends:
                about["Depends"] = depends
            paragraphs.append(package(name, version, **about, Description="a test"))
        index = SignedArchive(self.keys)
        index.publish_flat("", *paragraphs, key=self.keys.own)
        for name, data in index.files.items():
            (place / name.lstrip("/")).write_bytes(data)
        (self.folder / "archive").symlink_to("repository")
        (place / "key.asc").write_bytes(self.keys.armored(self.keys.own))
        return sums

    def wheel(self, name: str, version: str) -> str:
        """A package of Python in an index; its line for a requirements file."""
        info = f"{name}-{version}.dist-info"
        members = {
            f"{name}/__init__.py": f"VERSION = {version!r}\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(
            f"{path},sha256={_urlsafe(text.encode())},{len(text)}\n"
            for path, text in members.items()
        )
        members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
        place = self.folder / "simple" / name.replace("_", "-")
        place.mkdir(parents=True)
        file = place / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(file, "w") as wheel:
            for path, text in members.items():
                wheel.writestr(path, text)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        link = f'<a href="{file.name}#sha256={digest}">{file.name}</a>'
        (place / "index.html").write_text(link, "utf-8")
        return f"{name}=={version} --hash=sha256:{digest}\n"


def every_plan(supplies: Supplies) -> Plan:
    """The plan, and its supplies in their folder."""
    (machine,) = read_lock(ROOT / "lockfiles" / "legacy-cpu")[0].machines
    sums = supplies.repository(
        ("rig-direct", "1.2-1", "rig-needed"), ("rig-needed", "1.0", "libc6"), ("rig-tool", "3", "")
    )
    listed = "".join(
        f"{name}={version} {sums[name]}\n"
        for name, version in (("rig-direct", "1.2-1"), ("rig-needed", "1.0"))
    )
    payload = {
        "packages.system.txt": listed,
        CHECK_PACKAGES: (ROOT / "rigspec/plan/payload/check-packages.sh").read_text("utf-8"),
        APT_SOURCE_LINE: (ROOT / "rigspec/plan/payload/apt-source-line.sh").read_text("utf-8"),
        "verify_packages.py": (ROOT / "rigspec/plan/payload/verify_packages.py").read_text("utf-8"),
        "lab.requirements.txt": supplies.wheel("rig_one", "1.0"),
        "lab.tools.txt": supplies.wheel("rig_two", "2.0"),
    }
    packages = parse_requirements(payload["lab.tools.txt"] + payload["lab.requirements.txt"])
    plan_steps = tuple(_steps(supplies, sums, packages))
    return Plan(
        rig="every", summary="Every kind of step", machine="box",
        resolution=machine.resolution, locked=machine, requested=(), steps=plan_steps,
        payload=tuple(PayloadFile(name, text) for name, text in payload.items()),
        omissions=(), base=BaseImage("debian:12"), lock_digest="0" * 64,
    )  # fmt: skip


def _steps(
    supplies: Supplies, sums: dict[str, str], packages: tuple[LockedPythonPackage, ...]
) -> list[steps.Step]:
    home = "file:///srv/repository"
    direct = steps.AptPackage("rig-direct", "1.2-1", sums["rig-direct"], hold=True)
    needed = steps.AptPackage("rig-needed", "1.0", sums["rig-needed"])
    python = "/opt/rig/envs/lab/bin/python"
    installer = '#!/bin/sh\nmkdir -p "$2/bin"\nsleep 0.2\necho tool > "$2/bin/tool"\n'
    checks = (
        steps.Check("packages (system)", ("sh", f"/opt/rig/lock/{CHECK_PACKAGES}", "installed",
                    "/opt/rig/lock/packages.system.txt"), "as locked"),
        steps.Check("packages of lab", (python, "/opt/rig/lock/verify_packages.py",
                    "/opt/rig/lock/lab.tools.txt", "/opt/rig/lock/lab.requirements.txt"), ""),
        steps.Check("Python of lab", (python, "-c", "print('3')"), "3"),
        steps.Check("the new kernel", ("cat", "/etc/booted"), "yes", layer="driver",
                    after_reboot=True),
    )  # fmt: skip
    titled = {"title": "A step", "layer": "x"}
    found: list[steps.Step] = [
        steps.PlatformStep(
            id="platform", distribution="debian", release="12", arch="x86_64", **titled
        ),
        steps.AptSourceStep(
            id="archive",
            name="rig",
            entries=(f"deb [signed-by=/srv/repository/key.asc] {ARCHIVE} /",),
            **titled,
        ),
        steps.AptRepositoryStep(
            id="repository",
            name="every",
            url=home,
            suite="/",
            components=(),
            key_url=f"{home}/key.asc",
            key_fingerprint=supplies.keys.own,
            **titled,
        ),
        steps.AptPackagesStep(
            id="system-packages",
            packages=(direct, needed),
            package_list="packages.system.txt",
            **titled,
        ),
        steps.HostPackagesStep(id="driver", packages=(steps.AptPackage("rig-tool"),), **titled),
        steps.ArchiveStep(
            id="cudnn",
            file=supplies.file("a.tgz", _tarball()),
            to="/usr/local/thing",
            strip=1,
            creates="/usr/local/thing/include/a.h",
            **titled,
        ),
        steps.InstallerStep(
            id="installer",
            file=supplies.file("i.sh", installer.encode()),
            arguments=("-p", "/opt/rig/tool"),
            creates="/opt/rig/tool/bin/tool",
            prefix="/opt/rig/tool",
            **titled,
        ),
        steps.InstallerStep(
            id="runfile",
            file=supplies.file("r.sh", installer.encode() + b"\n"),
            arguments=("-p", "/usr/local/thing"),
            creates="/usr/local/thing/bin/tool",
            **titled,
        ),
        steps.SourceBuildStep(
            id="source",
            file=supplies.file("s.tgz", _source()),
            configure=("--prefix=/opt/rig/built",),
            c_flags=("-O1",),
            rename=steps.SourceRename("configure", "OLD", "CFLAGS"),
            prefix="/opt/rig/built",
            creates="/opt/rig/built/bin/tool",
            check_command=("/opt/rig/built/bin/tool",),
            **titled,
        ),
        steps.EnvironmentStep(
            id="env-lab",
            name="lab",
            path="/opt/rig/envs/lab",
            create_command=("python3", "-m", "venv", *VENV),
            python=python,
            requirements="lab.requirements.txt",
            tools="lab.tools.txt",
            pip="",
            index="file:///srv/simple",
            packages=packages,
            **titled,
        ),
        steps.DownloadStep(
            id="download",
            file=supplies.file("d.bin", b"x" * 200_000),
            to="/srv/models/d.bin",
            **titled,
        ),
        steps.FileStep(
            id="settings", path="/etc/skel/.rig/settings.json", content="{}\n", **titled
        ),
        steps.EnvironmentVariablesStep(
            id="variables-lab",
            name="lab",
            path="/opt/rig/envs/lab",
            by_conda=False,
            variables=(steps.Variable("RIG_LAB", ("here",), False),),
            **titled,
        ),
        steps.GroupStep(id="group-crew", name="crew", **titled),
        steps.UserStep(
            id="user-ada",
            name="ada",
            groups=("video", "crew"),
            ssh_keys=(KEY,),
            files=(".rig/settings.json",),
            **titled,
        ),
        steps.GroupStep(id="members-lab", name="rig-env-lab", members=("ada",), **titled),
        steps.AccessStep(
            id="access-lab",
            path="/opt/rig/envs/lab",
            owner="root:rig-env-lab",
            mode="0750",
            **titled,
        ),
        steps.ServiceStep(
            id="service",
            name="rig-every.service",
            unit=UNIT,
            restart_on=("settings",),
            **titled,
        ),
        steps.VariablesStep(
            id="variables",
            path="/etc/profile.d/rig-every.sh",
            variables=(steps.Variable("RIG", ("every",), False),),
            **titled,
        ),
        steps.KernelArgumentsStep(
            id="kernel-arguments", arguments=("quiet", "rig='$(x)\""), **titled
        ),
        steps.RebootStep(id="reboot", reason="a kernel argument", **titled),
        steps.VerifyStep(id="verify", checks=checks, **titled),
    ]
    # A title each, so that what is said can be told apart.
    return [replace(step, title=f"Step {step.id}") for step in found]


def write_installer(plan: Plan, folder: Path) -> Path:
    """The shell target of a plan."""
    (shell,) = (backend for backend in find_backends() if backend.name == "shell")
    write_tree_atomically(folder, compile_plan(plan, shell))
    return folder


_CONFIGURE = """\
#!/bin/sh
test "$OLD" = -O1
for option; do case $option in --prefix=*) prefix=${option#--prefix=} ;; esac; done
cat > Makefile <<MAKE
tool:
\tprintf '#!/bin/sh\\n' > tool
install: tool
\tinstall -D -m 0755 tool $prefix/bin/tool
MAKE
"""


def _source() -> bytes:
    """A source archive with a configure script, which make builds and installs."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        member = tarfile.TarInfo("tool-1.0/configure")
        member.size, member.mode = len(_CONFIGURE), 0o755
        archive.addfile(member, io.BytesIO(_CONFIGURE.encode()))
    return written.getvalue()


def _tarball() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in ("include/a.h", "lib/liba.so.1"):
            data = name.encode() * 1000
            member = tarfile.TarInfo(f"cuda/{name}")
            member.size, member.mode, member.mtime = len(data), 0o644, 1_500_000_000
            tar.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("cuda/lib/liba.so")
        link.type, link.linkname = tarfile.SYMTYPE, "liba.so.1"
        tar.addfile(link)
    return out.getvalue()


def built_package(tree: Path, place: Path, name: str, version: str, depends: str) -> Path:
    (tree / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n"
    control += f"Depends: {depends}\n" if depends else ""
    control += "Maintainer: Test <test@example.org>\nDescription: a test\n"
    (tree / "DEBIAN" / "control").write_text(control, "utf-8")
    script = "#!/bin/sh\nset -e\nsleep 0.2\necho configured > /var/lib/NAME\n".replace("NAME", name)
    (tree / "DEBIAN" / "postinst").write_text(script, "utf-8")
    gone = textwrap.dedent(f"""\
        #!/bin/sh
        [ "$1" != purge ] || rm -f /var/lib/{name}
    """)
    (tree / "DEBIAN" / "postrm").write_text(gone, "utf-8")
    for part in ("postinst", "postrm"):
        (tree / "DEBIAN" / part).chmod(0o755)
    (tree / "etc").mkdir()
    (tree / "etc" / f"{name}.conf").write_text("a = 1\n", "utf-8")
    (tree / "DEBIAN" / "conffiles").write_text(f"/etc/{name}.conf\n", "utf-8")
    file = place / f"{name}_{version}_amd64.deb"
    build = ["dpkg-deb", "--build", "--root-owner-group", tree, file]
    subprocess.run(build, check=True, capture_output=True)
    shutil.rmtree(tree)
    return file


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
