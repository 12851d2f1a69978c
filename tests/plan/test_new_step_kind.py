"""A new kind of step, in a temporary folder: every command uses it as one of rigspec."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plan.conftest import Compile, Lab

LINK = "/etc/rig/banner.link"
CALL = f"step banner-link 'Link to the banner' symlink path={LINK} target=/etc/rig/banner\n"
# A system in which the installer changes nothing of this machine.
SYSTEM = """
set -e
mount -t tmpfs none {layer}
for name in etc var opt; do
  mkdir {layer}/$name {layer}/$name.work
  mount -t overlay overlay /$name \
    -o lowerdir=/$name,upperdir={layer}/$name,workdir={layer}/$name.work
done
printf 'ID=debian\\nVERSION_ID="12"\\n' > {layer}/os-release
mount --bind {layer}/os-release /etc/os-release
cd {folder}
"""


def run_in_system(lab: Lab, *lines: str) -> str:
    layer = lab.folder / "layer"
    layer.mkdir(exist_ok=True)
    script = "\n".join((SYSTEM.format(layer=layer, folder=lab.folder), *lines))
    command = ["unshare", "--mount", "bash", "-c", script]
    done = subprocess.run(command, env=lab.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_tool(name: str, file: Path) -> None:
    subprocess.run([Path(sys.executable).with_name(name), file], check=True)


def test_new_step_kind_is_in_installer_with_its_shell(compile_lab: Compile) -> None:
    installer = compile_lab("shell") / "install.sh"
    text = installer.read_text(encoding="utf-8")
    assert CALL in text
    for function in ("symlink_is_done() {", "symlink_apply() {", "symlink_remove() {"):
        assert text.count(function) == 1
    run_tool("shellcheck", installer)


def test_new_step_kind_is_not_in_installer_of_rig_without_it(
    lab: Lab, compile_lab: Compile
) -> None:
    (lab.folder / "rig.toml").write_text(
        'rig = 1\nname = "lab"\n[machine.box]\nos = "debian 12"\narch = "x86_64"\n', "utf-8"
    )
    lab.run("lock", "rig.toml")
    assert "symlink_apply" not in (compile_lab("shell") / "install.sh").read_text("utf-8")


def test_new_step_kind_is_applied_checked_repaired_and_removed(compile_lab: Compile) -> None:
    folder = compile_lab("shell")
    lab = Lab(folder.parents[1], folder.parents[1] / "site")
    doctor = f"{sys.executable} -m rigspec doctor rig.toml --machine box"
    output = run_in_system(
        lab,
        "out/shell/install.sh",
        f"readlink {LINK}; cat {LINK}",
        "out/shell/install.sh",
        f"{doctor} --format json > intact.json",
        f"rm {LINK}",
        f"{doctor} --format json > changed.json || test $? = 1",
        f"{doctor} --fix > fix.sh || test $? = 1",
        "PATH=out/shell:$PATH bash -e fix.sh",
        f"readlink {LINK}",
        "out/shell/install.sh --uninstall",
        f"test ! -L {LINK} && echo removed",
    )
    states = re.findall(r"\[3/4\] (done|ok) +Link to the banner", output)
    assert states == ["done", "ok", "done"]
    assert output.splitlines().count("/etc/rig/banner") == 2
    assert "*** Welcome to the lab ***\n" in output
    assert output.endswith("removed\n")
    assert read_status(lab, "intact.json") == "ok"
    assert read_status(lab, "changed.json") == "missing"
    assert "install.sh --step banner-link" in (lab.folder / "fix.sh").read_text(encoding="utf-8")


def read_status(lab: Lab, name: str) -> str:
    items = json.loads((lab.folder / name).read_text(encoding="utf-8"))["items"]
    (status,) = (item["status"] for item in items if item["name"] == LINK)
    return str(status)


def test_new_step_kind_without_instruction_is_shell_in_dockerfile(compile_lab: Compile) -> None:
    folder = compile_lab("docker")
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    call = CALL.removeprefix("step ")
    assert "COPY --chmod=0644 files/banner /etc/rig/banner\n" in text
    assert "RUN --mount=type=bind,source=files/steps.sh,target=/opt/rig/lock/steps.sh \\\n" in text
    assert f"bash /opt/rig/lock/steps.sh apply {call}" in text
    run_tool("hadolint", folder / "Dockerfile")
    steps = folder / "files" / "steps.sh"
    link = folder / "link"
    words = ["apply", "x", "x", "symlink", f"path={link}", "target=there"]
    subprocess.run(["bash", steps, *words], check=True)
    assert link.readlink() == Path("there")


def test_new_step_kind_is_task_of_playbook(compile_lab: Compile) -> None:
    text = (compile_lab("ansible") / "playbook.yml").read_text(encoding="utf-8")
    assert '- name: "Apply | Link to the banner"' in text


def test_new_step_kind_instruction_of_its_folder_is_in_dockerfile(
    lab: Lab, compile_lab: Compile
) -> None:
    template = "RUN ln -s {{ step.target | sh }} {{ step.path | sh }}\n"
    (lab.site / "rigspec_symlink" / "docker.j2").write_text(template, encoding="utf-8")
    folder = compile_lab("docker")
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    assert f"# Link to the banner\nRUN ln -s /etc/rig/banner {LINK}\n" in text
    assert not (folder / "files" / "steps.sh").exists()


def test_new_step_kind_facts_are_compared(locked_lab: Lab) -> None:
    done = locked_lab.run("compare", "rig.toml", "box", "other", "--format", "json")
    assert f'"{LINK}"' in done.stdout
    assert '"link to /etc/rig/banner"' in done.stdout


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("__init__.py", "class SymlinkStep(Step)", "class SymlinkStep", "must define one subclass"),
        ("__init__.py", '"symlink"', '"file"', "duplicate kind of step file: in rigspec and in"),
        (
            "__init__.py",
            "import Step, StepFact",
            "import Stop, StepFact",
            "cannot import rigspec_symlink",
        ),
    ],
)
def test_invalid_step_kind_names_distribution(
    file: str, before: str, after: str, message: str, lab: Lab
) -> None:
    path = lab.site / "rigspec_symlink" / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    done = lab.run("compile", "rig.toml", "--target", "shell", status=2)
    assert (
        "RS603: rigspec-banner 1.4: " in done.stderr or "and in rigspec-banner 1.4" in done.stderr
    )
    assert message in done.stderr
