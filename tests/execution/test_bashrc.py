"""The bashrc fragment and its installer, by real shells: whatever stood there before stands there
after.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.lock.model import LockedMachine
from rigspec.plan.model import BaseImage, Plan
from rigspec.plan.steps import EnvironmentStep, Step, Variable, VariablesStep
from rigspec.resolution import EnvResolution, Resolution

SHELLS = ("bash", "dash", "zsh")
# Nothing that a shell might take for its own is missing here.
NASTY = [
    "/a b",
    "/$HOME",
    "/`id`",
    "/it's",
    '/"',
    "/*",
    "/[a-z]",
    "/?",
    "/\\",
    "/}",
    "/${x%%y}",
    "/~",
]
FOLDERS = st.lists(
    st.text(st.sampled_from("ab/ '\"$`*?[]{}()\\~!#&;|<>%é"), min_size=1, max_size=12)
    | st.sampled_from(NASTY),
    min_size=1,
    max_size=3,
    unique=True,
)


def artifacts(target: str, variables: Iterable[Variable], folder: Path) -> Path:
    """What a target writes for these variables."""
    steps: tuple[Step, ...] = (
        EnvironmentStep(
            id="env-lab",
            title="lab",
            layer="env",
            name="lab",
            path="/opt/rig/envs/lab",
            create_command=("python3", "-m", "venv"),
            python="/opt/rig/envs/lab/bin/python",
            requirements="lab.requirements.txt",
            tools="lab.tools.txt",
            pip="26.0",
        ),
        VariablesStep(
            id="variables",
            title="variables",
            layer="session",
            path="/etc/profile.d/rig.sh",
            variables=tuple(variables),
        ),
    )
    env = EnvResolution("lab", "3.11.2", "26.0")
    resolution = Resolution("box", "debian 12", "x86_64", "cpu", envs=(env,))
    base, locked = BaseImage("debian:12"), LockedMachine(resolution)
    plan = Plan("bench", "A rig", "box", resolution, locked, (), steps, (), (), base, "0" * 64)
    (backend,) = (found for found in find_backends() if found.name == target)
    for file in compile_plan(plan, backend):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode)
    return folder


def in_shell(shell: str, script: str, **environment: str) -> str:
    done = subprocess.run(
        [shutil.which(shell) or shell, "-euc", script],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{shell}: {done.stderr}"
    return done.stdout


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    folders=FOLDERS,
    before=st.lists(st.sampled_from(["/kept", "/a", *NASTY]), max_size=2),
    value=st.text("ab '\"$`*\\", max_size=8),
)
def test_fragment_any_directory_name_is_prepended_once(
    folders: list[str], before: list[str], value: str, tmp_path: Path
) -> None:
    variables = (Variable("LIST", tuple(folders), True), Variable("WORD", (value,), False))
    fragment = artifacts("bashrc", variables, tmp_path) / "rig.sh"
    new = [folder for folder in folders if folder not in before]
    for shell in SHELLS:
        script = f'. {fragment}; . {fragment}; printf \'%s\\n\' "$LIST" "$WORD"'
        output = in_shell(shell, script, LIST=":".join(before))
        assert output == f"{':'.join([*new, *before])}\n{value}\n", shell


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(folders=FOLDERS, before=st.none() | st.sampled_from(["", "/kept", "/it's:/*"]))
def test_conda_deactivate_restores_variables(
    folders: list[str], before: str | None, tmp_path: Path
) -> None:
    variables = (Variable("LIST", tuple(folders), True), Variable("WORD", ("new",), False))
    folder = artifacts("conda", variables, tmp_path) / "lab"
    environment = {} if before is None else {"LIST": before, "WORD": before}
    new = [name for name in folders if name not in (before or "").split(":")]
    for shell in SHELLS:
        listing = "env -0 | sort -z | grep -zv '^_=' | tr '\\0' '\\n'"
        script = f'{listing}; echo ----; . {folder}/activate.sh; printf \'%s\\n\' "$LIST" "$WORD"; '
        script += f"echo ----; . {folder}/deactivate.sh; {listing}"
        first, active, last = in_shell(shell, script, **environment).split("----\n")
        assert active == f"{':'.join([*new, *([before] if before else [])])}\nnew\n", shell
        assert last == first, shell


def test_conda_deactivate_keeps_later_additions(tmp_path: Path) -> None:
    folder = artifacts("conda", (Variable("LIST", ("/a", "/b"), True),), tmp_path) / "lab"
    for shell in SHELLS:
        script = f". {folder}/activate.sh; LIST=/x:$LIST:/y; . {folder}/deactivate.sh; echo $LIST"
        assert in_shell(shell, script, LIST="/kept") == "/x:/kept:/y\n"


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that a plain user can look into, as pytest's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def bashrc(public: Path) -> Path:
    return artifacts("bashrc", (Variable("LIST", ("/opt/a b",), True),), public / "artifact")


@pytest.fixture
def home(public: Path) -> Path:
    folder = public / "home of a user"
    folder.mkdir()
    return folder


def install(
    bashrc: Path, home: Path, *options: str, user: int | None = None, shell: str = "dash"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which(shell) or shell, str(bashrc / "install.sh"), *options],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        user=user,
    )


def tree(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.lstat().st_uid,
            path.lstat().st_mtime_ns,
            path.read_bytes(),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"one\n",
        b"one",
        b"one\r\ntwo\r\n",
        b"one\r\ntwo",
        b"\x00\xff\xfe\n\n\n",
        b"\n",
        b"# >>>\n",
    ],
)
def test_bashrc_install_and_uninstall_keep_other_bytes(
    before: bytes, bashrc: Path, home: Path
) -> None:
    file = home / ".bashrc"
    file.write_bytes(before)
    file.chmod(0o640)
    os.chown(file, 12, 34)

    assert install(bashrc, home).returncode == 0
    first = tree(home)
    assert file.read_bytes().startswith(before)
    assert file.read_bytes().count(b">>> rigspec bench >>>") == 1
    assert (file.stat().st_mode & 0o777, file.stat().st_uid, file.stat().st_gid) == (0o640, 12, 34)

    assert install(bashrc, home, shell="bash").returncode == 0
    assert tree(home) == first  # nothing was written, not even the same

    assert install(bashrc, home, "--uninstall").returncode == 0
    assert file.read_bytes() == before
    assert [path.name for path in home.rglob("*") if path.is_file()] == [".bashrc"]
    assert install(bashrc, home, "--uninstall").returncode == 0


@pytest.mark.parametrize(("shell", "name"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_bashrc_new_shell_has_variables(shell: str, name: str, bashrc: Path, home: Path) -> None:
    os.chown(home, 65534, 65534)
    done = install(bashrc, home, "--file", str(home / name), user=65534)
    assert done.returncode == 0, done.stderr
    for _ in range(2):
        result = subprocess.run(
            [shutil.which(shell) or shell, "-ic", 'printf "%s\\n" "$LIST"'],
            env={"PATH": "/usr/bin:/bin", "HOME": str(home), "LIST": "/kept"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.stdout == "/opt/a b:/kept\n"
    # The file is gone again: it was made for the block.
    assert (
        install(bashrc, home, "--uninstall", "--file", str(home / name), user=65534).returncode == 0
    )
    assert not (home / name).exists()


def test_bashrc_text_below_block_is_kept(bashrc: Path, home: Path) -> None:
    file = home / ".bashrc"
    file.write_bytes(b"above")
    install(bashrc, home)
    with open(file, "ab") as opened:
        opened.write(b"below\n")
    install(bashrc, home)
    assert file.read_bytes().endswith(b"<<<\nbelow\n")
    install(bashrc, home, "--uninstall")
    assert file.read_bytes() == b"above\nbelow\n"


def test_bashrc_symlink_is_followed_and_kept(bashrc: Path, home: Path) -> None:
    (home / "dotfiles").mkdir()
    real = home / "dotfiles" / "bashrc"
    real.write_bytes(b"mine\n")
    (home / ".bashrc").symlink_to("dotfiles/bashrc")
    install(bashrc, home)
    assert (home / ".bashrc").is_symlink()
    assert b"rigspec bench" in real.read_bytes()
    install(bashrc, home, "--uninstall")
    assert real.read_bytes() == b"mine\n"


def test_bashrc_older_block_is_replaced_in_place(bashrc: Path, home: Path) -> None:
    file = home / ".bashrc"
    old = b"a\n# >>> rigspec bench >>>\r\nold\r\n# <<< rigspec bench <<<\r\nz\n"
    file.write_bytes(b"# >>> rigspec other >>>\n# <<< rigspec other <<<\n" + old)
    assert install(bashrc, home).returncode == 0
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[:4] == [
        "# >>> rigspec other >>>",
        "# <<< rigspec other <<<",
        "a",
        "# >>> rigspec bench >>>",
    ]
    assert lines[-2:] == ["# <<< rigspec bench <<<", "z"]
    assert "old" not in lines


BEGIN, END = "# >>> rigspec bench >>>\n", "# <<< rigspec bench <<<\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"a\n{BEGIN}b\n", 2),
        (f"a\nb\n{END}", 3),
        (f"{END}a\n{BEGIN}", 1),
        (f"{BEGIN}{BEGIN}{END}", 2),
        (f"{BEGIN}{END}a\n{END}", 4),
        (f"{BEGIN}{END}{BEGIN}{END}", 3),
    ],
)
@pytest.mark.parametrize("option", [(), ("--uninstall",)])
def test_bashrc_malformed_block_is_refused_with_line(
    text: str, line: int, option: tuple[str, ...], bashrc: Path, home: Path
) -> None:
    file = home / ".bashrc"
    file.write_text(text, encoding="utf-8")
    before = tree(home)
    refused = install(bashrc, home, *option)
    assert refused.returncode == 1
    assert f"{file}:{line}: " in refused.stderr
    assert tree(home) == before


def test_bashrc_errors_leave_no_files(bashrc: Path, home: Path) -> None:
    (home / ".bashrc").write_bytes(b"root's\n")
    others = install(bashrc, home, user=65534)
    assert (others.returncode, "belongs to another user" in others.stderr) == (1, True)
    wrong = install(bashrc, home, "--what")
    assert wrong.returncode == 2
    folder = install(bashrc, home, "--file", str(home))
    assert (folder.returncode, "is not a file" in folder.stderr) == (1, True)
    dry = install(bashrc, home, "--dry-run")
    assert "would add" in dry.stdout
    assert [path.name for path in home.rglob("*")] == [".bashrc"]


def test_bashrc_truncated_installer_does_nothing(bashrc: Path, home: Path) -> None:
    whole = (bashrc / "install.sh").read_bytes()
    for size in [
        *range(0, len(whole) - 100, len(whole) // 20),
        *range(len(whole) - 60, len(whole) - 2, 4),
    ]:
        (bashrc / "install.sh").write_bytes(whole[:size])
        cut = install(bashrc, home)
        if size >= whole.index(b"\n", whole.index(b"trap ")):
            assert cut.returncode != 0
        assert list(home.iterdir()) == []
