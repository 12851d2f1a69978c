"""What `rigspec graph` draws, by the programs that read it."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import Browser, Page

from rigspec.cli.common.pipeline import resolve_or_exit
from rigspec.diagnostics.model import Fact, Severity, Source
from rigspec.diagnostics.sanitize import sanitize
from rigspec.graph.build import build_graph
from rigspec.graph.model import Edge, Label, Node, StackGraph
from rigspec.graph.render.dot import render_dot
from rigspec.graph.render.mermaid import render_mermaid
from rigspec.graph.render.svg import render_svg
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec
from tests.conftest import ROOT
from tests.graph.conftest import RIGS, build_rig_graph
from tests.injection.texts import HOSTILE

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
SPEC = "specs/dl-server.toml"
TEXTS = [sanitize(text[:400]) for text in HOSTILE.values()]


def collapse_spaces(text: str) -> str:
    """Return the text with white space collapsed, as SVG and HTML show it."""
    return " ".join(text.split())


def build_hostile_graph() -> StackGraph:
    """Return a graph with hostile texts in every field."""
    source = Source(TEXTS[0], "https://example.org/?a=1&b=2", dt.date.min)
    facts = tuple(Fact(f"f{i}", text, (source,)) for i, text in enumerate(TEXTS))
    nodes = tuple(
        Node(f"b{i}", "hardware", "x", text, (Label(text, i + 1),)) for i, text in enumerate(TEXTS)
    )
    edges = tuple(
        Edge("top", f"b{i}", (Label(text, i + 1, Severity.WARNING if i % 2 else None),))
        for i, text in enumerate(TEXTS)
    )
    top = Node("top", "people", "x", "top")
    return StackGraph(TEXTS[0], TEXTS[1], (top, *nodes), edges, facts)


# --- what is drawn -------------------------------------------------------------------------


def test_edge_has_numbered_fact_with_source(rigspec: Rigspec) -> None:
    drawn = rigspec("graph", SPEC).stdout
    (number,) = re.findall(r'\|"NVIDIA driver #62;=384\.81 \[(\d+)\]"\|', drawn)
    assert f"%% [{number}] CUDA 9.0.176 requires driver 384.81 or newer\n" in drawn
    after = drawn.partition(f"%% [{number}] ")[2]
    assert "read 2026-11-21 <https://" in after.splitlines()[1]


def test_edge_shows_gpu_code_of_wheel(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(
        'rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 18.04"\n'
        'gpus = [{ model = "GTX 1080" }]\n[env.lab]\npython = "3.6"\ninterpreter = "conda"\n'
        'frameworks = { torch = "1.2" }\n'
    )
    drawn = rigspec("graph", str(spec)).stdout
    code = r"the cu100 build of torch .* contains code for sm_35, .* sm_61, .* PTX for compute_50\n"
    assert re.search(code, drawn)
    assert "compute capability 6.1 [" in drawn
    assert "none of it runs" not in drawn


def test_edge_of_violated_advisory_is_dashed(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(
        'rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 18.04"\n'
        'gpus = [{ model = "RTX 2070" }]\n[env.lab]\npython = "3.6"\ninterpreter = "conda"\n'
        'frameworks = { torch = "==1.1.0+cu90" }\n'
    )
    drawn = rigspec("graph", str(spec)).stdout
    assert " -.->|" in drawn
    assert "with CUDA 9.0 some models train" in drawn


def test_edge_to_code_of_a_lower_minor_version_is_not_dashed(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(
        'rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 24.04"\n'
        'gpus = [{ model = "RTX 4090" }]\n[env.lab.frameworks]\ntorch = "2.8"\n'
    )
    drawn = rigspec("graph", str(spec)).stdout
    assert "-->|" in drawn
    assert " -.->|" not in drawn


def test_drawing_without_sources_has_the_same_boxes_and_no_facts(rigspec: Rigspec) -> None:
    drawn = rigspec("graph", SPEC, "--no-sources").stdout
    assert not re.search(r"\[\d+\]|https://", drawn)
    boxes = re.findall(r'n\d+\["([^"<]+)', drawn)
    assert boxes == re.findall(r'n\d+\["([^"<]+)', rigspec("graph", SPEC).stdout)
    full, short = (
        float(
            ET.fromstring(rigspec("graph", SPEC, "--format", "svg", *options).stdout).attrib[
                "height"
            ]
        )
        for options in ((), ("--no-sources",))
    )
    assert short < full * 0.75


def test_svg_has_a_legend_of_its_colors_and_lines(rigspec: Rigspec) -> None:
    drawn = ET.fromstring(rigspec("graph", SPEC, "--format", "svg").stdout)
    texts = [element.text for element in drawn if element.tag.endswith("text")]
    assert texts[2:] == [
        *("people", "services", "environments", "toolkit", "system", "hardware"),
        *("requires", "warning"),
    ]


def test_edges_connect_users_and_services(rigspec: Rigspec) -> None:
    drawn = rigspec("graph", SPEC).stdout
    name = {title: node for node, title in re.findall(r'(n\d+)\["([^"<]+)', drawn)}
    assert f'{name["user bob"]} -->|"port 8889"| {name["Jupyter"]}' in drawn
    cards = name["2 \N{MULTIPLICATION SIGN} GTX 1080 Ti Hybrid"]
    assert f'{name["user bob"]} -->|"GPU 1"| {cards}' in drawn
    assert f'{name["Jupyter"]} -->|"runs in"| {name["Python 3.6.5"]}' in drawn


def test_command_selects_format_by_extension(tmp_path: Path, rigspec: Rigspec) -> None:
    begins = {"a.mmd": "%% ", "a.dot": "digraph ", "a.gv": "digraph ", "a.svg": "<svg "}
    for name, start in begins.items():
        done = rigspec("graph", SPEC, "-o", str(tmp_path / name))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert (tmp_path / name).read_text().startswith(start)
    done = rigspec("graph", SPEC, "-o", str(tmp_path / "a.png"))
    assert done.returncode == 2
    assert "or set --format" in done.stderr
    assert not (tmp_path / "a.png").exists()


def test_command_needs_one_machine(rigspec: Rigspec) -> None:
    done = rigspec("graph", "specs/sourced.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "name one with --machine: science-3, p2" in done.stderr
    assert "n" in rigspec("graph", "specs/sourced.toml", "--machine", "p2").stdout


def test_command_with_conflict_prints_errors_of_check(tmp_path: Path, rigspec: Rigspec) -> None:
    spec, out = "specs/dl-server-as-written.toml", tmp_path / "a.svg"
    done, checked = rigspec("graph", spec, "-o", str(out)), rigspec("check", spec)
    assert done.returncode == 1
    assert done.stderr == checked.stderr
    assert not out.exists()


def test_command_with_hardware_conflict_draws_graph(rigspec: Rigspec) -> None:
    done = rigspec("graph", "specs/submarine.toml")
    assert done.returncode == 0
    assert "error[RS102]" in done.stderr
    assert done.stdout.startswith("%% submarine")


def test_command_with_unwritable_file_exits_2(tmp_path: Path, rigspec: Rigspec) -> None:
    done = rigspec("graph", SPEC, "-o", str(tmp_path / "nowhere" / "a.svg"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("format_", ["mermaid", "dot", "svg"])
def test_output_is_deterministic(format_: str) -> None:
    runs = {
        subprocess.run(
            [sys.executable, "-m", "rigspec", "graph", "specs/deep-al.toml", "--format", format_],
            cwd=ROOT,
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale},
        ).stdout
        for seed, locale in (("0", "C"), ("1", "C.UTF-8"), ("2", "POSIX"))
    }
    assert len(runs) == 1


# --- Graphviz ------------------------------------------------------------------------------


def run_dot(text: str) -> dict[str, list[str]]:
    """Return the texts of every node, edge and group in the output of Graphviz, by title."""
    done = subprocess.run(["dot", "-Tsvg"], input=text, text=True, capture_output=True, check=True)
    assert done.stderr.replace("Warning: ", "") == "" or "Fontconfig" in done.stderr
    root = ET.fromstring(done.stdout)
    space = "{http://www.w3.org/2000/svg}"
    return {
        str(group.findtext(f"{space}title")): [t.text or "" for t in group.iter(f"{space}text")]
        for group in root.iter(f"{space}g")
        if group.get("class") in ("node", "edge", "graph")
    }


@pytest.mark.parametrize(("name", "machine"), RIGS)
def test_dot_of_rig_is_drawn_by_graphviz(name: str, machine: str | None) -> None:
    drawn = build_rig_graph(name, machine)
    found = run_dot(render_dot(drawn))
    for node in drawn.nodes:
        assert found[node.id] == [node.title, *(note.numbered_text for note in node.notes)]
    for edge in drawn.edges:
        ends = {f"{edge.source}->{edge.target}", f"{edge.target}->{edge.source}"}
        assert ends & found.keys()


def test_dot_escapes_hostile_texts() -> None:
    found = run_dot(render_dot(build_hostile_graph()))
    for index, text in enumerate(TEXTS):
        shown = [collapse_spaces(line) for line in found[f"b{index}"]]
        expected = [collapse_spaces(text), collapse_spaces(f"{text} [{index + 1}]")]
        assert [line for line in shown if line] == [line for line in expected if line], text


# --- Mermaid -------------------------------------------------------------------------------

RENDER = """async ([text]) => {
  mermaid.initialize({ startOnLoad: false, flowchart: { wrappingWidth: 100000 }, maxEdges: 2000 });
  const { svg } = await mermaid.render('drawn', text);
  const page = new DOMParser().parseFromString(svg, 'text/html');
  const read = (kind) => [...page.querySelectorAll(kind)].map((element) => {
    element.querySelectorAll('br').forEach((line) => line.replaceWith('\\n'));
    return element.textContent.trim();
  });
  return { nodes: read('g.node'), edges: read('g.edgeLabel'), active: read('script, img, i') };
}"""


@pytest.fixture(scope="module")
def mermaid_page(chromium: Browser, mermaid: Path) -> Page:
    """A page with Mermaid, whose 3 MB the browser reads once."""
    page = chromium.new_page()
    page.add_script_tag(path=mermaid)
    return page


def run_mermaid(page: Page, text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = page.evaluate(RENDER, [text])
    return found


def test_mermaid_of_rigs_is_drawn_in_browser(mermaid_page: Page) -> None:
    for name, machine in RIGS:
        drawn = build_rig_graph(name, machine)
        found = run_mermaid(mermaid_page, render_mermaid(drawn))
        nodes = {"\n".join([b.title, *(n.numbered_text for n in b.notes)]) for b in drawn.nodes}
        assert set(found["nodes"]) == nodes, name
        assert len([edge for edge in found["edges"] if edge]) == len(drawn.edges)


def test_mermaid_escapes_hostile_texts(mermaid_page: Page) -> None:
    found = run_mermaid(mermaid_page, render_mermaid(build_hostile_graph()))
    shown = {collapse_spaces(node) for node in found["nodes"]}
    for index, text in enumerate(TEXTS):
        assert collapse_spaces(f"{text}\n{text} [{index + 1}]") in shown, text
    assert found["active"] == []


# --- SVG -----------------------------------------------------------------------------------

MEASURE = """() => {
  const box = (element) => { const r = element.getBoundingClientRect();
    return [r.left, r.top, r.right, r.bottom]; };
  const inside = (one, other) => one[0] >= other[0] - 1 && one[1] >= other[1] - 1
    && one[2] <= other[2] + 1 && one[3] <= other[3] + 1;
  const texts = [...document.querySelectorAll('text')].map((t) => [t.textContent, box(t)]);
  const wrong = [];
  texts.forEach(([one, a], i) => texts.slice(i + 1).forEach(([other, b]) => {
    const across = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
    const down = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
    // Lines of one box are set closer than their tallest letters ask for.
    if (across > 1 && down > 4) wrong.push(`${one} over ${other}`);
  }));
  const paper = box(document.querySelector('svg'));
  texts.forEach(([one, a]) => { if (!inside(a, paper)) wrong.push(`${one} leaves the paper`); });
  const bodies = [...document.querySelectorAll('g.box, g.label')].map((group) => {
    const body = box(group.querySelector('rect'));
    group.querySelectorAll('text').forEach((t) => {
      if (!inside(box(t), body)) wrong.push(`${t.textContent} leaves its box`); });
    return body;
  });
  bodies.forEach((a, i) => bodies.slice(i + 1).forEach((b) => {
    if (a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]) wrong.push('box over box');
  }));
  document.querySelectorAll('path.line').forEach((path) => {
    const place = path.getScreenCTM();
    for (let at = 3; at < path.getTotalLength() - 3; at += 3) {
      const p = path.getPointAtLength(at).matrixTransform(place);
      bodies.forEach((b) => {
        if (p.x > b[0] + 1 && p.x < b[2] - 1 && p.y > b[1] + 1 && p.y < b[3] - 1)
          wrong.push(`a line through a box at ${p.x} ${p.y}`); });
      texts.forEach(([one, b]) => { if (p.x > b[0] && p.x < b[2] && p.y > b[1] && p.y < b[3])
        wrong.push(`a line through ${one}`); });
    }
  });
  return [...new Set(wrong)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_svg_of_rigs_has_no_overlaps(browser_page: Page, scheme: str, tmp_path: Path) -> None:
    browser_page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for name, machine in RIGS:
        file = tmp_path / f"{name}.svg"
        file.write_text(render_svg(build_rig_graph(name, machine)), encoding="utf-8")
        browser_page.goto(f"file://{file}")
        assert browser_page.evaluate(MEASURE) == [], (name, machine)
        paper = browser_page.evaluate("getComputedStyle(document.querySelector('.paper')).fill")
        assert paper == ("rgb(18, 22, 28)" if scheme == "dark" else "rgb(255, 255, 255)")


def test_svg_escapes_hostile_texts(browser_page: Page, tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    file.write_text(render_svg(build_hostile_graph()), encoding="utf-8")
    browser_page.goto(f"file://{file}")
    read = "[...document.querySelectorAll('g.box')].map((g) => [...g.querySelectorAll('text')]"
    shown = json.loads(
        browser_page.evaluate(
            f"JSON.stringify({read}.map((t) => t.firstChild ? t.firstChild.data : '')))"
        )
    )
    assert browser_page.evaluate("document.querySelectorAll('script, foreignObject').length") == 0
    for index, text in enumerate(TEXTS):
        content = "".join("".join(shown[index + 1]).split())
        assert content == "".join(f"{text}{text}[{index + 1}]".split()), text


def test_svg_is_self_contained() -> None:
    drawn = render_svg(build_rig_graph("dl-server.toml", "tower"))
    assert not re.search(r"@import|url\((?!#)|<image|<script|xlink", drawn)


@pytest.mark.parametrize(("name", "machine"), RIGS)
def test_graph_facts_have_sources(name: str, machine: str | None) -> None:
    drawn = build_rig_graph(name, machine)
    assert all(fact.statement for fact in drawn.facts)
    assert all(fact.sources for fact in drawn.facts)
    numbers = {
        label.fact
        for labels in (*(a.labels for a in drawn.edges), *(b.notes for b in drawn.nodes))
        for label in labels
    } - {None}
    assert numbers == set(range(1, len(drawn.facts) + 1))


def test_graph_connects_users_with_cards_of_their_gpus() -> None:
    spec = parse_spec(
        "rig.toml",
        'rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 18.04"\n'
        'gpus = [{ model = "Tesla K80" }, { model = "GTX 1080" }]\n'
        "[user.amy]\ngpus = [0, 2]\n[user.bob]\ngpus = [1]\n[user.eve]\ngpus = []\n",
    )
    drawn = build_graph(spec, resolve_or_exit(spec, "box"), load_required_matrix(spec.rig, "box"))
    labels = {
        (a.source, a.target): a.labels[0].numbered_text
        for a in drawn.edges
        if a.source.startswith("user/")
    }
    assert labels == {
        ("user/amy", "gpus.0"): "GPU 0",
        ("user/amy", "gpus.1"): "GPU 2",
        ("user/bob", "gpus.0"): "GPU 1",
        ("user/eve", "gpus.0"): "GPU none",
    }


def test_graph_packages_that_require_each_other_are_drawn(rigspec: Rigspec, tmp_path: Path) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(
        'rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 22.04"\n'
        'gpus = [{ model = "RTX 3090" }]\n'
        '[env.lab]\npython = "3.10"\nframeworks = { keras = "*", tensorflow = "*" }\n'
    )
    done = rigspec("graph", spec)
    assert done.returncode == 0, done.stderr
    assert "Keras" in done.stdout
