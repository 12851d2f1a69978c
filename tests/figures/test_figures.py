"""Each measurement makes attempts, and finds a planted fault."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rigspec.diagnostics.model import Report
from rigspec.fs.atomic_tree import write_tree_atomically
from rigspec.spec.loader import parse_spec
from tests.conftest import ROOT
from tests.drawn.build import Built, build
from tests.drawn.install import Import, list_installable
from tests.drawn.rigs import draw_rig
from tests.execution import shell_trace
from tests.figures import canaries, drawn_rigs, files, quality, readers, secrets, shell_library
from tests.figures.__main__ import MEASUREMENTS, main
from tests.figures.measurement import Measurement, Result
from tests.figures.page import read_rows
from tests.fuzz.targets import TARGETS, Target
from tests.injection import services
from tests.injection.artifacts import artifacts, read_rig
from tests.injection.readers import read_targets
from tests.injection.rigs import PLAIN


def _chance() -> random.Random:
    return random.Random(1)


def _fail(*arguments: Any, **options: Any) -> Any:
    raise KeyError("planted")


def test_inputs_with_failing_reader_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_SHARES", {"bytes": 1000})
    monkeypatch.setattr(readers, "TARGETS", {"bytes": TARGETS["bytes"]})
    assert readers.read_inputs(20, _chance()).findings == ()
    broken = Target(TARGETS["bytes"].inputs, _fail)
    monkeypatch.setattr(readers, "TARGETS", {"bytes": broken})
    assert "KeyError" in readers.read_inputs(20, _chance()).findings[0]


def test_checks_with_traceback_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert readers.check_rigs(2, _chance()) == Result(2)
    # The first check loads the matrix.
    calls = iter([lambda: None, _fail])
    monkeypatch.setattr(readers, "check_text", lambda text: next(calls)())
    assert "KeyError" in readers.check_rigs(1, _chance()).findings[0]


def test_repairs_with_another_resolution_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert readers.repair_rigs(1, _chance()) == Result(1)
    monkeypatch.setattr(readers, "apply_edits", lambda text, edits: text)
    assert len(readers.repair_rigs(1, _chance()).findings) == 1


def test_admitted_rig_without_lock_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = parse_spec("rig.toml", draw_rig(1))
    refused, admitted = Report("", None, "conflict", None, ()), Report("", None, "ok", None, ())
    drawn = iter(
        [
            Built(spec, refused),
            Built(spec, admitted, failure="RS504 no answer"),
            Built(spec, admitted, failure="RS506 no set of packages"),
        ]
    )
    monkeypatch.setattr(drawn_rigs, "build", lambda text: next(drawn))
    (finding,) = drawn_rigs.build_rigs()(1, _chance()).findings
    assert finding.endswith("RS506 no set of packages")
    assert "3 drawn, 1 refused, 1 not reached" in capsys.readouterr().out


def test_framework_that_is_not_imported_is_a_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built = build(draw_rig(1, with_frameworks=False))
    assert len(list(list_installable(built))) == 1
    library = "libcublas.so.12: cannot open shared object file: No such file or directory"
    errors = iter([Import("lab", "a", library, lacks_cuda=True), Import("lab", "b", "no module b")])
    monkeypatch.setattr(drawn_rigs, "build", lambda text: built)
    monkeypatch.setattr(drawn_rigs, "import_frameworks", lambda *_: [next(errors)])
    found = drawn_rigs.install_rigs()(1, _chance())
    assert found.done == 1
    assert [finding.partition(": ")[2] for finding in found.findings] == ["import b: no module b"]


def test_lock_bytes_that_are_not_verified_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.change_lock_bytes(3, _chance()) == Result(3)
    monkeypatch.setattr(files, "read_lock", lambda folder: None)
    assert len(files.change_lock_bytes(3, _chance()).findings) == 3


def test_kills_that_leave_another_tree_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    trees = iter([{"a": b"0"}, {"a": b"1"}, {"a": b"part"}, {"a": b"0"}])
    monkeypatch.setattr(files, "contents", lambda folder: next(trees))
    found = files.kill_commands(1, _chance(), ("lock",))
    assert found == Result(1, ("lock: kill 0 left a partial tree",))


def test_secrets_that_are_printed_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(secrets._find_printed("github", "summary")) == []
    monkeypatch.setattr(secrets, "_commands", lambda name: [("schema",), ("check", name)])
    monkeypatch.setitem(secrets.PLANTED, "github", "additionalProperties")
    found = list(secrets._find_printed("github", "comment"))
    assert found == ["`schema` prints it"]


def test_canary_that_fires_in_a_shell_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rig = {**PLAIN, "system": {"env": {"RIG_TEXT": "$(touch /mnt/fired)"}}}
    built = {"bashrc": artifacts(rig)["bashrc"]}
    read_targets(read_rig(rig), built, tmp_path / "quoted")
    (fragment,) = [file for file in built["bashrc"] if file.path == "rig.sh"]
    assert b"'$(touch /mnt/fired)'" in fragment.content
    bare = fragment.content.replace(b"'$(touch /mnt/fired)'", b'"$(touch /mnt/fired)"')
    built["bashrc"] = (type(fragment)(fragment.path, bare, fragment.mode),)
    with pytest.raises(AssertionError):
        read_targets(read_rig(rig), built, tmp_path / "bare")


def _served(command: list[str]) -> dict[str, Any]:
    """Return a rig with a program, a session and sshd."""
    program = {"env": "work", "command": command, "variables": {"TEXT": '50% of "$HOME"'}}
    session = {"env": "work", "windows": [{"name": "w", "panes": ["echo $HOME"]}]}
    service = {"ssh": {"port": 2222}, "program": {"p": program}, "tmux": {"s": session}}
    return {**PLAIN, "service": service}


def _served_files(rig: dict[str, Any], folder: Path) -> Path:
    built = artifacts(rig)
    write_tree_atomically(folder, built["shell"])
    write_tree_atomically(folder / "image", built["docker"])
    return folder / "files"


def test_program_that_systemd_starts_with_other_words_is_a_finding(tmp_path: Path) -> None:
    rig = _served(["serve", "$HOME %h", 'a "b" \\c', "", "x\u00a0y"])
    files = _served_files(rig, tmp_path / "out")
    assert services.read_units(read_rig(rig), files) == 1
    unit = (files / "program-p").read_text("utf-8")
    for quoted, bare in (("%%h", "%h"), ("$$HOME", "$HOME"), ('""', '"')):
        assert quoted in unit
        (files / "program-p").write_text(unit.replace(quoted, bare, 1), "utf-8")
        with pytest.raises(AssertionError):
            services.read_units(read_rig(rig), files)


def test_program_that_an_image_starts_with_other_words_is_a_finding(tmp_path: Path) -> None:
    rig = _served(["serve", "$HOME", "", "it's", "", ""])
    _served_files(rig, tmp_path / "out")
    script = tmp_path / "out/image/serve"
    assert services.read_start_script(read_rig(rig), script) == 1
    script.write_text(script.read_text("utf-8").replace("'$HOME'", '"$HOME"'), "utf-8")
    with pytest.raises(AssertionError):
        services.read_start_script(read_rig(rig), script)


def test_pane_with_another_command_is_a_finding(tmp_path: Path) -> None:
    rig = _served(["serve"])
    files = _served_files(rig, tmp_path / "out")
    assert services.read_layouts(read_rig(rig), files) == 1
    layout = (files / "session-s").read_text("utf-8")
    (files / "session-s").write_text(layout.replace('"echo $HOME"', "echo, reboot"), "utf-8")
    with pytest.raises(AssertionError):
        services.read_layouts(read_rig(rig), files)


def test_settings_that_sshd_reads_otherwise_are_a_finding(tmp_path: Path) -> None:
    files = _served_files(_served(["serve"]), tmp_path / "out")
    meant = services.read_server_settings(files)
    assert "port 2222" in meant
    with (files / "service-ssh-settings").open("a", encoding="utf-8") as settings:
        settings.write("PermitUserEnvironment yes\n")
    assert services.read_server_settings(files) != meant


def test_canaries_in_drawings_are_counted() -> None:
    planted, found = canaries._plant_in_documents(_chance())
    assert planted > 5
    assert found == []


def test_canaries_of_every_kind_reach_artifacts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canaries, "_PER_KIND", 10)
    assert canaries._plant_in_targets(_chance()) == (10 * len(canaries._KINDS), [])
    monkeypatch.setattr(canaries, "read_units", _fail)
    (found,) = canaries._plant_in_targets(_chance())[1]
    assert "planted" in found


def test_lines_that_bash_runs_are_those_of_its_trace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = "one() {  # told\n  [ $1 = a ] ||\n    echo b\n}\ntwo() {\n  echo c\n}\none a\n"
    (tmp_path / "x.sh").write_text(script, "utf-8")
    monkeypatch.setenv(shell_trace.TRACED, str(tmp_path / "lines"))
    shell_trace.open_trace.cache_clear()
    descriptors = shell_trace.open_trace()
    try:
        command = ["env", "-i", *shell_trace.trace_settings(), "bash", "-u", tmp_path / "x.sh"]
        subprocess.run(command, check=True, pass_fds=descriptors)
        shell_trace.collect_lines([Path("/")])
    finally:
        shell_trace.open_trace.cache_clear()
        for descriptor in descriptors:
            os.close(descriptor)
    ran = set((tmp_path / "lines").read_text("utf-8").splitlines())
    assert ran == {"one\t[ $1 = a ] ||", "\tone a"}
    assert shell_library.find_missed_commands(script, ran) == (4, [3, 6])
    assert shell_library.find_missed_commands(script, set()) == (4, [2, 3, 6, 8])


def test_share_of_findings_decides_if_a_measurement_passes(tmp_path: Path) -> None:
    page = tmp_path / "figures.md"
    found = {"a": Measurement("a", 0, lambda *_: Result(20, ("x",)), allowed=0.05)}
    assert main(["--page", str(page)], found) == 0
    assert "| a | 20 | 20 | 1 (5.0 %) |" in page.read_text("utf-8")
    assert read_rows(page)["a"] == (20, 20, 1, "make figures FIGURES=a SCALE=1")
    found = {"a": Measurement("a", 0, lambda *_: Result(20, ("x", "y")), allowed=0.05)}
    assert main(["--page", str(page)], found) == 1


def test_parts_have_files_and_tests() -> None:
    for part in quality.PARTS.values():
        assert part.list_files()
        for test in part.list_tests():
            assert (ROOT / test.partition("::")[0]).exists()


def test_interrupted_run_has_the_attempts_so_far(tmp_path: Path) -> None:
    def run(count: int, chance: random.Random) -> Result:
        if len(seeds) == 2:
            raise KeyboardInterrupt
        seeds.append(chance.random())
        return Result(count)

    seeds: list[float] = []
    page = tmp_path / "figures.md"
    with pytest.raises(KeyboardInterrupt):
        main(["--page", str(page)], {"a": Measurement("a title", 10, run, parts=5)})
    assert read_rows(page)["a title"] == (4, 10, 0, "make figures FIGURES=a SCALE=1")
    assert seeds[0] != seeds[1]


def test_page_keeps_rows_of_other_measurements(tmp_path: Path) -> None:
    page = tmp_path / "figures.md"
    fine = {"a": Measurement("a title", 1000, lambda count, chance: Result(count))}
    broken = {"b": Measurement("b title", 10, lambda count, chance: Result(count, ("x",)))}
    assert main(["--scale", "0.1", "--page", str(page)], fine) == 0
    assert main(["b", "--page", str(page)], broken) == 1
    assert read_rows(page) == {
        "a title": (100, 1000, 0, "make figures FIGURES=a SCALE=0.1"),
        "b title": (10, 10, 1, "make figures FIGURES=b SCALE=1"),
    }
    committed = read_rows(Path(__file__).resolve().parents[2] / "docs/reference/figures.md")
    assert committed.keys() <= {each.title for each in MEASUREMENTS.values()}
