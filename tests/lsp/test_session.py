"""A real client starts ``rigspec lsp`` and works with it as an editor does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_lsp
import tomli
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from rigspec.check import check_machine
from rigspec.diagnostics.model import Severity
from rigspec.lsp.positions import TextPositions
from rigspec.lsp.text_edits import TextChange, apply_changes
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec
from tests.conftest import ROOT
from tests.documents import blocks_of
from tests.secrets.planted import PLANTED

SERVER = ClientServerConfig(server_command=[sys.executable, "-m", "rigspec", "lsp"])
CONFLICT = """\
rig = 1
name = "box"
# Die Größe 😀 of a comment is counted in units of UTF-16.
[machine.tower]
os = "ubuntu 18.04" # 😀
gpus = [{ model = "GTX 1080 Ti" }]
driver = "384.130"

[cuda]
toolkit = "10.0"
"""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_lsp.fixture(config=SERVER, scope="module")
async def client(lsp_client: LanguageClient) -> AsyncGenerator[None, None]:
    capabilities = client_capabilities("visual-studio-code")
    await lsp_client.initialize_session(types.InitializeParams(capabilities=capabilities))
    yield
    await lsp_client.shutdown_session()


class Editor:
    """A document in an editor."""

    def __init__(self, client: LanguageClient, file: Path, text: str, language: str = "toml"):
        self.client, self.file, self.text, self.version = client, file, text, 1
        self.uri = file.as_uri()
        item = types.TextDocumentItem(self.uri, language, 1, text)
        client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    async def wait(self) -> list[types.Diagnostic]:
        """Return the diagnostics of the current text."""
        # Two notifications may come at once, so this does not wait for the next one.
        for _ in range(12_000):
            if self.uri in self.client.diagnostics:
                return list(self.client.diagnostics[self.uri])
            await asyncio.sleep(0.01)
        raise AssertionError("no diagnostics in two minutes")

    def type(self, text: str) -> None:
        """Replace the text."""
        self.version, self.text = self.version + 1, text
        self.client.diagnostics.pop(self.uri, None)
        identifier = types.VersionedTextDocumentIdentifier(self.version, self.uri)
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(identifier, [change])
        )

    def place(self, needle: str) -> types.Position:
        """Return the position after a text."""
        end = self.text.index(needle) + len(needle)
        return TextPositions(self.text).range_of(end, end).start

    async def hover(self, needle: str) -> str:
        identifier = types.TextDocumentIdentifier(self.uri)
        params = types.HoverParams(identifier, self.place(needle))
        result = await self.client.text_document_hover_async(params)
        assert result is not None
        assert isinstance(result.contents, types.MarkupContent)
        return result.contents.value

    async def complete(self, text: str) -> dict[str, types.CompletionItem]:
        """Return the completions where the text has a vertical bar."""
        start = text.index("|")
        self.type(text.replace("|", ""))
        position = TextPositions(self.text).range_of(start, start).start
        params = types.CompletionParams(types.TextDocumentIdentifier(self.uri), position)
        result = await self.client.text_document_completion_async(params)
        assert isinstance(result, types.CompletionList)
        return {item.label: item for item in result.items}

    async def repairs(self, diagnostic: types.Diagnostic) -> list[types.CodeAction]:
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(self.uri),
            diagnostic.range,
            types.CodeActionContext([diagnostic]),
        )
        actions = await self.client.text_document_code_action_async(params)
        return [action for action in actions or () if isinstance(action, types.CodeAction)]

    def apply(self, action: types.CodeAction) -> str:
        """Return the text with the edits of an action."""
        assert action.edit is not None
        assert action.edit.changes is not None
        positions = TextPositions(self.text)
        changes = [
            TextChange(
                "",
                positions.offset_of(edit.range.start),
                positions.offset_of(edit.range.end),
                edit.new_text,
            )
            for edit in action.edit.changes[self.uri]
        ]
        return apply_changes(self.text, changes)


def has_errors(text: str) -> bool:
    spec = parse_spec("rig.toml", text)
    (machine,) = spec.rig.machine
    report = check_machine(spec, machine, load_required_matrix(spec.rig, machine), repairs=False)
    return any(d.severity is Severity.ERROR for d in report.diagnostics)


async def test_conflict_is_published_with_its_range_fact_and_page(
    client: LanguageClient, tmp_path: Path
) -> None:
    editor = Editor(client, tmp_path / "rig.toml", CONFLICT)
    (error,) = [d for d in await editor.wait() if d.severity is types.DiagnosticSeverity.Error]

    assert error.code == "RS204"
    assert error.source == "rigspec"
    assert error.range == types.Range(types.Position(6, 9), types.Position(6, 18))
    assert "fact: CUDA 10.0.130 requires driver 410.48 or newer" in error.message
    assert error.code_description is not None
    assert error.code_description.href.endswith("/diagnostics/RS204.html")
    assert error.related_information is not None
    assert [r.location.range.start.line for r in error.related_information] == [9]


async def test_diagnostics_follow_what_is_typed(client: LanguageClient, tmp_path: Path) -> None:
    editor = Editor(client, tmp_path / "rig.toml", CONFLICT)
    assert "RS204" in {d.code for d in await editor.wait()}

    editor.type(CONFLICT.replace('toolkit = "10.0"', "toolkit = "))
    assert {d.code for d in await editor.wait()} == {"RS001"}

    editor.type(CONFLICT.replace('"10.0"', '"9.0"').replace("ubuntu 18.04", "ubuntu 16.04"))
    assert {d.severity for d in await editor.wait()} == {types.DiagnosticSeverity.Warning}


async def test_each_repair_applied_removes_the_error(
    client: LanguageClient, tmp_path: Path
) -> None:
    editor = Editor(client, tmp_path / "rig.toml", CONFLICT)
    (error,) = [d for d in await editor.wait() if d.code == "RS204"]
    actions = await editor.repairs(error)

    assert len(actions) >= 2
    assert actions[0].is_preferred
    assert actions[0].kind == types.CodeActionKind.QuickFix
    for action in actions:
        assert not has_errors(editor.apply(action)), action.title


async def test_hover_shows_facts_with_sources_and_days(
    client: LanguageClient, tmp_path: Path
) -> None:
    text = CONFLICT.replace('"384.130"', '">=410"').replace('"10.0"', '"9.0"')
    editor = Editor(client, tmp_path / "rig.toml", text.replace("18.04", "16.04"))
    await editor.wait()

    card = await editor.hover("GTX 10")
    assert "**GeForce GTX 1080 Ti**" in card
    assert "compute capability: 6.1" in card
    assert ", read 20" in card
    assert "CUDA 9.0.176, because the spec does not allow 9.1.85" in await editor.hover(
        'toolkit = "9'
    )
    assert "Version of the toolkit" in await editor.hover("toolk")


async def test_completion_offers_keys_names_and_versions(
    client: LanguageClient, tmp_path: Path
) -> None:
    head = 'rig = 1\nname = "box"\n'
    editor = Editor(client, tmp_path / "rig.toml", head)

    keys = await editor.complete(f'{head}[machine.tower]\nos = "ubuntu 24.04"\n|')
    assert {"driver", "gpus", "kind"} <= keys.keys()
    assert "os" not in keys
    expected = {
        '[machine.tower]\nos = "|': "ubuntu 24.04",
        '[machine.tower]\ngpus = [{ model = "RTX|': "GeForce RTX 4090",
        '[machine.tower]\ngpus = [\n  "A100|': "A100 PCIe 40GB",
        '[machine.tower]\ninstance = "|': "aws p2.xlarge",
        "[machine.tower]\nkind = |": "cloud",
        '[cuda]\ntoolkit = "12|': "12.4.1",
        "[env.lab]\nframeworks = { to|": "torch",
        '[env.lab]\nframeworks = { torch = "2.|': "2.4.1",
        '[env.lab]\nframeworks = { torch = "+|': "+cu121",
        '[env.lab.frameworks]\ntorch = { version = "2.4", build = "|': "cu121",
        '[check]\nignore = ["RS3|': "RS302",
        "[|": "machine",
    }
    for text, label in expected.items():
        assert label in await editor.complete(head + text), text


async def test_completed_version_keeps_the_operator(client: LanguageClient, tmp_path: Path) -> None:
    head = 'rig = 1\nname = "box"\n'
    editor = Editor(client, tmp_path / "rig.toml", head)
    items = await editor.complete(f'{head}[env.lab]\nframeworks = {{ torch = ">=2.|')
    edit = items["2.4.1"].text_edit
    assert isinstance(edit, types.TextEdit)
    start, end = (
        TextPositions(editor.text).offset_of(p) for p in (edit.range.start, edit.range.end)
    )
    assert (editor.text[:start] + edit.new_text + editor.text[end:]).endswith('">=2.4.1')


SOURCES = {
    "requirements.txt": "numpy\ntorch==2.4.0\nvllm==0.4.0\n",
    "environment.yml": (
        "name: lab\ndependencies:\n  - python=3.11\n  - pip:\n      - torch==1.4.0\n"
    ),
    "pyproject.toml": (
        '[project]\nname = "lab"\nversion = "1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["torch==1.4.0"]\n'
    ),
    "Dockerfile": "FROM nvidia/cuda:11.8.0-devel-ubuntu18.04\nRUN pip install torch==2.7.0\n",
}


@pytest.mark.parametrize("name", SOURCES)
async def test_conflict_of_imported_file_is_at_its_line(
    name: str, client: LanguageClient, tmp_path: Path
) -> None:
    editor = Editor(client, tmp_path / name, SOURCES[name], "plaintext")
    errors = [d for d in await editor.wait() if d.severity is types.DiagnosticSeverity.Error]

    assert errors
    for error in errors:
        assert error.range.start.line > 0 or name == "Dockerfile"
        assert error.range.start.line < SOURCES[name].count("\n")


async def test_repair_of_requirements_rewrites_the_requirement(
    client: LanguageClient, tmp_path: Path
) -> None:
    editor = Editor(client, tmp_path / "requirements.txt", SOURCES["requirements.txt"], "pip")
    errors = [d for d in await editor.wait() if d.severity is types.DiagnosticSeverity.Error]
    actions = [action for error in errors for action in await editor.repairs(error)]

    assert actions
    for action in actions:
        editor.type(editor.apply(action))
        found = await editor.wait()
        assert not [d for d in found if d.severity is types.DiagnosticSeverity.Error], action.title
        editor.type(SOURCES["requirements.txt"])
        await editor.wait()


async def test_requirement_is_completed_with_versions(
    client: LanguageClient, tmp_path: Path
) -> None:
    editor = Editor(client, tmp_path / "requirements.txt", "", "pip")
    assert "2.4.1" in await editor.complete("numpy\ntorch==2.|\n")
    editor = Editor(client, tmp_path / "Dockerfile", "", "dockerfile")
    images = await editor.complete("FROM nvidia/cuda:12.4|\n")
    assert any(label.startswith("nvidia/cuda:12.4.1-devel") for label in images)


async def test_file_of_another_kind_has_no_diagnostics(
    client: LanguageClient, tmp_path: Path
) -> None:
    editor = Editor(client, tmp_path / "Cargo.toml", '[package]\nname = "box"\n')
    assert await editor.wait() == []


@pytest.mark.parametrize("kind", PLANTED)
async def test_planted_secret_is_not_sent_back(
    kind: str, client: LanguageClient, tmp_path: Path
) -> None:
    secret = PLANTED[kind]
    summary = f'summary = """{secret}"""'
    text = f'rig = 1\nname = "box"\n{summary}\n[machine.tower]\nos = "ubuntu 24.04"\n'
    editor = Editor(client, tmp_path / "rig.toml", text)
    found = await editor.wait()
    identifier = types.TextDocumentIdentifier(editor.uri)
    hover = await client.text_document_hover_async(
        types.HoverParams(identifier, types.Position(2, 16))
    )
    actions = [await editor.repairs(diagnostic) for diagnostic in found]
    items = await editor.complete(text.replace("os =", "|\nos ="))

    assert "RS406" in {d.code for d in found}
    sent = repr((found, hover, actions, items, client.log_messages, client.messages))
    assert secret not in sent


async def test_guide_starts_the_server_with_its_command() -> None:
    blocks = blocks_of(ROOT / "docs/guides/editors.md")
    (neovim,) = [block.text for block in blocks if block.language == "lua"]
    (helix,) = [block.text for block in blocks if block.title == "languages.toml"]
    server = tomli.loads(helix)["language-server"]["rigspec"]
    assert 'cmd = { "rigspec", "lsp" }' in neovim
    assert [server["command"], *server["args"]] == ["rigspec", "lsp"]


async def test_names_of_machines_environments_and_users_are_completed(
    client: LanguageClient, tmp_path: Path
) -> None:
    head = (
        'rig = 1\nname = "lab"\n[machine.ampere]\n[machine.hopper]\n[env.old]\n[env.serve]\n'
        "[user.ada]\n"
    )
    editor = Editor(client, tmp_path / "rig.toml", head)
    machines, envs = {"ampere", "hopper"}, {"old", "serve"}
    for text, names in (
        ('[env.new]\nmachines = ["|"]', machines),
        ('[env.new]\nmachines = ["ampere", "h|"]', machines),
        ('[service.ssh]\nmachines = ["|"]', machines),
        ('[service.program.llm]\nmachines = ["|"]', machines),
        ('[machine.other]\nagainst = "|"', {*machines, "other"}),
        ('[service.jupyter]\nenv = "|"', envs),
        ('[service.program.llm]\nenv = "|"', envs),
        ('[service.program.llm]\nuser = "|"', {"ada"}),
        ('[[service.tmux.dev.windows]]\nenv = "|"', envs),
        ('[user.bob]\nenvs = ["old", "|"]', envs),
    ):
        assert names <= (await editor.complete(head + text)).keys(), text
