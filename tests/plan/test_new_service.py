"""A new service, in a temporary folder: its table, its steps and its checks."""

from __future__ import annotations

import json

import tomli

from tests.plan.conftest import Compile, Lab


def test_new_service_table_is_checked(lab: Lab) -> None:
    lab.run("check", "rig.toml")
    spec = lab.folder / "rig.toml"
    spec.write_text(spec.read_text("utf-8").replace("text =", "txet ="), encoding="utf-8")
    done = lab.run("check", "rig.toml", status=2)
    assert "RS002" in done.stderr + done.stdout
    assert "unknown key `txet` in `service.banner`" in done.stderr + done.stdout


def test_new_service_without_package_is_unknown_key(lab: Lab) -> None:
    lab.run("check", "rig.toml")
    lab.uninstall()
    done = lab.run("check", "rig.toml", status=2)
    assert "unknown key `banner` in `service`" in done.stderr + done.stdout


def test_new_service_that_cannot_be_imported_names_module(lab: Lab) -> None:
    (lab.site / "rigspec_banner" / "table.py").unlink()
    done = lab.run("check", "rig.toml", status=2)
    text = " ".join((done.stderr + done.stdout).split())
    assert "the service `banner` is not available: cannot import rigspec_banner.table" in text


def test_new_service_is_in_schema(lab: Lab) -> None:
    schema = json.loads(lab.run("schema").stdout)
    assert schema["$defs"]["Banner"]["properties"]["text"]["description"] == "Text"
    lab.uninstall()
    assert "Banner" not in lab.run("schema").stdout


def test_new_service_is_locked_where_its_packages_are_known(locked_lab: Lab) -> None:
    (path,) = locked_lab.folder.rglob("rig.lock")
    machines = tomli.loads(path.read_text(encoding="utf-8"))["machines"]
    services = {m["resolution"]["machine"]: m.get("services", []) for m in machines}
    assert [service["name"] for service in services["box"]] == ["banner"]
    assert services["other"] == []
    locked_lab.run("lock", "rig.toml", "--check")


def test_new_service_removed_from_spec_makes_lock_outdated(locked_lab: Lab) -> None:
    spec = locked_lab.folder / "rig.toml"
    spec.write_text(spec.read_text("utf-8").partition("[service")[0], encoding="utf-8")
    locked_lab.run("lock", "rig.toml", "--check", status=1)


def test_new_service_steps_and_checks_are_in_installer(compile_lab: Compile) -> None:
    folder = compile_lab("shell")
    text = (folder / "install.sh").read_text(encoding="utf-8")
    assert "step banner Banner file path=/etc/rig/banner\n" in text
    assert "check banner 1 grep -c -F -e 'Welcome to the lab' /etc/rig/banner.link\n" in text
    assert (folder / "files" / "banner").read_text("utf-8") == "*** Welcome to the lab ***\n"


def test_new_service_not_supported_on_system_is_omission(locked_lab: Lab) -> None:
    options = ("--machine", "other", "--locked", "--target", "shell", "-o", "out")
    locked_lab.run("compile", "rig.toml", *options)
    text = (locked_lab.folder / "out" / "shell" / "install.sh").read_text(encoding="utf-8")
    assert "# - services (banner): not supported on this operating system" in text


def test_new_service_with_name_of_another_is_refused(lab: Lab) -> None:
    path = lab.site / "rigspec_banner" / "steps.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('name = "banner"', 'name = "ssh"'), encoding="utf-8")
    lab.run("lock", "rig.toml")
    done = lab.run("compile", "rig.toml", "--machine", "box", "--target", "shell", status=2)
    assert "RS603: duplicate service ssh: in rigspec and in rigspec-banner 1.4" in done.stderr
