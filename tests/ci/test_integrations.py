"""A sample repository gets the findings of its pull request: GitHub, GitLab, pre-commit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner
from jsonschema import Draft7Validator

from tests.conftest import ROOT
from tests.documents import blocks_of

CONFLICT = """\
rig = 1
name = "lab"

[machine.tower]
os = "ubuntu 22.04"
gpus = [{ model = "GTX 1080 Ti" }]
driver = "470.57.02"

[cuda]
toolkit = "12.4"
"""
VALID = CONFLICT.replace("470.57.02", ">=550")
SARIF_SCHEMA = json.loads((ROOT / "tests/data/sarif-schema-2.1.0.json").read_text("utf-8"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a valid spec and one whose machine has a conflict."""
    folder = tmp_path / "repository"
    (folder / "machines").mkdir(parents=True)
    (folder / "rig.toml").write_text(CONFLICT, encoding="utf-8")
    (folder / "machines" / "lab.rig.toml").write_text(VALID, encoding="utf-8")
    (folder / "pyproject.toml").write_text('[project]\nname = "lab"\n', encoding="utf-8")
    for command in (("init", "--quiet"), ("add", "--all")):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """A folder of a CI runner in which rigspec is installed."""
    program = tmp_path / "runner" / "rigspec" / "bin" / "rigspec"
    program.parent.mkdir(parents=True)
    text = f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m rigspec "$@"\n'
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return tmp_path / "runner"


def load_yaml(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def run_step(
    step: dict[str, Any], values: dict[str, str], repository: Path, runner: Path
) -> subprocess.CompletedProcess[str]:
    """Run a step of a composite action as the runner of GitHub does."""
    variables = {
        name: re.sub(r"\$\{\{ (\S+) \}\}", lambda match: values[match[1]], text)
        for name, text in step["env"].items()
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=repository,
        env={**os.environ, **variables, "RUNNER_TEMP": str(runner)},
        capture_output=True,
        text=True,
        check=False,
    )


def run_action(repository: Path, runner: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    action = load_yaml(ROOT / "action.yml")
    values = {f"inputs.{name}": row["default"] for name, row in action["inputs"].items()}
    values |= {f"inputs.{name}": value for name, value in inputs.items()}
    (step,) = [s for s in action["runs"]["steps"] if s["name"] == "Check the specs"]
    return run_step(step, values, repository, runner)


def test_action_annotates_the_line_with_the_first_repair(repository: Path, runner: Path) -> None:
    done = run_action(repository, runner)
    (error,) = [line for line in done.stdout.splitlines() if line.startswith("::error")]

    assert done.returncode == 1
    assert "title=RS204,file=rig.toml,line=7,col=10," in error
    assert error.count("%0Arepair: set ") == 1


def test_action_with_sarif_writes_help_addresses_and_severities(
    repository: Path, runner: Path
) -> None:
    done = run_action(
        repository, runner, specs="rig.toml machines/lab.rig.toml", sarif="rigspec.sarif"
    )
    log = json.loads((repository / "rigspec.sarif").read_text(encoding="utf-8"))
    driver = log["runs"][0]["tool"]["driver"]

    assert done.returncode == 1
    assert [error.message for error in Draft7Validator(SARIF_SCHEMA).iter_errors(log)] == []
    (rule,) = [rule for rule in driver["rules"] if rule["id"] == "RS204"]
    assert rule["helpUri"].endswith("/diagnostics/RS204.html")  # tests/site opens it
    assert rule["defaultConfiguration"]["level"] == "error"
    assert rule["properties"]["problem.severity"] == "error"
    assert {rule["id"] for rule in driver["rules"]} == {
        result["ruleId"] for result in log["runs"][0]["results"]
    }


def test_action_passes_on_a_valid_spec(repository: Path, runner: Path) -> None:
    done = run_action(repository, runner, specs="machines/lab.rig.toml", sarif="rigspec.sarif")
    assert done.returncode == 0, done.stderr
    assert "::error" not in done.stdout
    assert json.loads((repository / "rigspec.sarif").read_text(encoding="utf-8"))["runs"]


def run_gitlab_script(repository: Path, runner: Path, specs: str) -> int:
    job = load_yaml(ROOT / "ci/gitlab.yml")["rigspec"]
    variables = {**job["variables"], "RIGSPEC_SPECS": specs}
    path = f"{runner / 'rigspec/bin'}:{os.environ['PATH']}"
    for line in job["script"]:
        code = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", line],
            cwd=repository,
            env={**os.environ, **variables, "PATH": path},
            capture_output=True,
            check=False,
        ).returncode
        if code:
            return code
    return 0


def test_gitlab_job_fails_with_a_code_quality_report(repository: Path, runner: Path) -> None:
    assert run_gitlab_script(repository, runner, "rig.toml machines/lab.rig.toml") == 1
    job = load_yaml(ROOT / "ci/gitlab.yml")["rigspec"]
    file = job["artifacts"]["reports"]["codequality"]
    report = json.loads((repository / file).read_text(encoding="utf-8"))

    (error,) = [item for item in report if item["severity"] == "critical"]
    assert error["check_name"] == "RS204"
    assert error["location"] == {"path": "rig.toml", "lines": {"begin": 7, "end": 7}}
    assert "\nrepair: set " in error["description"]
    for item in report:
        # The properties that GitLab requires.
        assert item.keys() >= {"description", "check_name", "fingerprint", "severity", "location"}
        assert item["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert not item["location"]["path"].startswith(("/", "./"))
    fingerprints = [item["fingerprint"] for item in report]
    assert len(set(fingerprints)) == len(fingerprints)


def test_gitlab_job_passes_on_a_valid_spec(repository: Path, runner: Path) -> None:
    assert run_gitlab_script(repository, runner, "machines/lab.rig.toml") == 0


def test_gitlab_fingerprint_stays_when_lines_move(
    repository: Path, runner: Path, tmp_path: Path
) -> None:
    file = repository / "gl-code-quality-report.json"
    found = []
    for text in (CONFLICT, f"# A comment.\n\n{CONFLICT}"):
        (repository / "rig.toml").write_text(text, encoding="utf-8")
        run_gitlab_script(repository, runner, "rig.toml")
        found.append({item["fingerprint"] for item in json.loads(file.read_text("utf-8"))})
    assert found[0] == found[1]


def validate(schema: str, path: Path) -> None:
    # In this process, because the program takes seconds to start.
    done = CliRunner().invoke(check_jsonschema, ["--builtin-schema", f"vendor.{schema}", str(path)])
    assert done.exit_code == 0, done.output


def test_files_and_examples_of_the_guide_match_their_schemas(tmp_path: Path) -> None:
    validate("github-actions", ROOT / "action.yml")
    validate("gitlab-ci", ROOT / "ci/gitlab.yml")
    examples = [b for b in blocks_of(ROOT / "docs/guides/ci.md") if b.language == "yaml"]
    schemas = ("github-workflows", "gitlab-ci", None)
    for number, (block, schema) in enumerate(zip(examples, schemas, strict=True)):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block.text, encoding="utf-8")
        if schema is not None:
            validate(schema, file)
        else:
            command = [sys.executable, "-m", "pre_commit", "validate-config", str(file)]
            subprocess.run(command, check=True)
    inputs = load_yaml(ROOT / "action.yml")["inputs"]
    (step,) = [
        step
        for step in yaml.safe_load(examples[0].text)["jobs"]["check"]["steps"]
        if step["uses"].startswith("rigspec/")
    ]
    assert step["with"].keys() <= inputs.keys()


@pytest.mark.e2e(minutes=4)
def test_pre_commit_hook_fails_on_the_conflict_and_skips_other_files(
    repository: Path, tmp_path: Path
) -> None:
    checkout = tmp_path / "rigspec"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)

    def run_hook(*files: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pre_commit", "try-repo", str(checkout), "rigspec-check"]
        return subprocess.run(
            [*command, "--files", *files],
            cwd=repository,
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )

    failed = run_hook("rig.toml", "machines/lab.rig.toml", "pyproject.toml")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "error[RS204]" in failed.stdout
    assert "pyproject.toml" not in failed.stdout
    passed = run_hook("machines/lab.rig.toml")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "Passed" in passed.stdout
    skipped = run_hook("pyproject.toml")
    assert "no files to check" in skipped.stdout


@pytest.mark.e2e(minutes=3)
def test_action_installs_rigspec_from_its_folder(repository: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "rigspec"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
    values = {"github.action_path": str(checkout), "inputs.python": sys.executable}
    install, _ = load_yaml(ROOT / "action.yml")["runs"]["steps"]
    (tmp_path / "temp").mkdir()
    done = run_step(install, values, repository, tmp_path / "temp")
    assert done.returncode == 0, done.stderr
    assert run_action(repository, tmp_path / "temp").returncode == 1
