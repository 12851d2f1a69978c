"""Hooks of MkDocs that add the generated pages and the assets to the documents in docs/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from rigspec.matrix.loader import load_matrix
from website import diagnostic_pages, matrix_pages, what_runs
from website.templates import render

_ASSETS = Path(__file__).with_name("assets")
_DIALOG = '<div class="md-search" data-md-component="search" role="dialog"'


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages and the assets."""
    for path, content in _generate():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Add the introduction of the site to its first page."""
    if page.file.src_uri != "README.md":
        return markdown
    return render("home.md.j2") + markdown.partition("\n")[2]


def on_post_page(output: str, **_: object) -> str:
    """Name the search dialog of the theme for screen readers."""
    return output.replace(_DIALOG, f'{_DIALOG} aria-label="Search"')


def _generate() -> Iterator[tuple[str, str | bytes]]:
    yield from diagnostic_pages.build_pages()
    yield from matrix_pages.build_pages()
    yield "what-runs.md", render("what_runs.md.j2", as_of=load_matrix().as_of)
    yield "assets/what-runs-data.js", f"window.WHAT_RUNS = {what_runs.build_data()};\n"
    for asset in sorted(_ASSETS.iterdir()):
        yield f"assets/{asset.name}", asset.read_bytes()
