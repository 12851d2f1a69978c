"""The server: it reads the client's documents and answers requests about them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from rigspec import __version__
from rigspec.lsp.analysis import Analysis, analyze, detect_kind
from rigspec.lsp.completion import complete
from rigspec.lsp.conversion import build_code_actions, convert_diagnostics
from rigspec.lsp.hover import build_hover
from rigspec.lsp.positions import TextPositions, normalize_text

__all__ = ["run_server"]

# A check waits for a pause in typing, in seconds.
_PAUSE = 0.25
# Characters after which editors request completion: values, headers, requirements, builds.
_TRIGGERS = ['"', "'", "[", ".", "=", "+", ":"]

T = TypeVar("T")


def run_server() -> None:
    """Serve one client over standard input and output until it ends the session."""
    # The library logs the parameters of a request that fails, which are the user's text.
    logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)
    server = LanguageServer("rigspec", __version__)
    _Session(server).register()
    server.start_io()


@dataclass
class _Session:
    """The open documents of a client, and the result of the last check of each."""

    server: Any
    analyses: dict[str, Analysis] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    # The caches of the matrix are not made for threads, so one thread does all the work.
    worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def register(self) -> None:
        """Register the features of the server."""
        for name, handler in (
            (types.TEXT_DOCUMENT_DID_OPEN, self.open),
            (types.TEXT_DOCUMENT_DID_CHANGE, self.change),
            (types.TEXT_DOCUMENT_DID_SAVE, self.save),
            (types.TEXT_DOCUMENT_DID_CLOSE, self.close),
            (types.TEXT_DOCUMENT_HOVER, self.hover),
        ):
            self.server.feature(name)(_forward(handler))
        completion = types.CompletionOptions(trigger_characters=_TRIGGERS)
        self.server.feature(types.TEXT_DOCUMENT_COMPLETION, completion)(_forward(self.complete))
        actions = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
        self.server.feature(types.TEXT_DOCUMENT_CODE_ACTION, actions)(_forward(self.list_actions))

    # --- documents ---------------------------------------------------------------------------

    async def open(self, params: Any) -> None:
        """Check a document that the client opens."""
        await self._check(params.text_document.uri, pause=0)

    async def change(self, params: Any) -> None:
        """Check a document that changed, after a pause in typing."""
        await self._check(params.text_document.uri, pause=_PAUSE)

    async def save(self, params: Any) -> None:
        """Check all open documents: one may take values from the file that was saved."""
        for uri in list(self.versions):
            await self._check(uri, pause=0)

    async def close(self, params: Any) -> None:
        """Forget a document and clear its diagnostics."""
        uri = params.text_document.uri
        self.versions.pop(uri, None)
        self.analyses.pop(uri, None)
        self._publish(uri, [], None)

    async def _check(self, uri: str, *, pause: float) -> None:
        number = self.versions.get(uri, 0) + 1
        self.versions[uri] = number
        await asyncio.sleep(pause)
        if self.versions.get(uri) != number:
            return
        version = self.server.workspace.get_text_document(uri).version
        file, text = self._read(uri)
        try:
            analysis = await self._run(lambda: analyze(file, text))
        except Exception as error:
            self._report(error, file)
            analysis = None
        if self.versions.get(uri) != number:
            return
        if analysis is None:
            self.analyses.pop(uri, None)
            self._publish(uri, [], version)
            return
        self.analyses[uri] = analysis
        found = convert_diagnostics(analysis, self._positions(text), self._uris())
        self._publish(uri, found, version)

    def _report(self, error: Exception, file: str) -> None:
        """Log an internal error; its text may quote the document, so only its type is sent."""
        message = f"internal error in rigspec: {type(error).__name__} while checking {file}"
        self.server.window_log_message(types.LogMessageParams(types.MessageType.Error, message))

    def _publish(self, uri: str, found: list[types.Diagnostic], version: int | None) -> None:
        self.server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, diagnostics=found, version=version)
        )

    # --- requests ----------------------------------------------------------------------------

    async def hover(self, params: Any) -> types.Hover | None:
        """Return the facts at a position."""
        analysis = await self._analysis(params.text_document.uri)
        if analysis is None:
            return None
        positions = self._positions(analysis.text)
        return await self._run(lambda: build_hover(analysis, positions, params.position))

    async def complete(self, params: Any) -> types.CompletionList | None:
        """Return what can be written at a position."""
        file, text = self._read(params.text_document.uri)
        kind = detect_kind(file, text)
        if kind is None:
            return None
        positions = self._positions(text)
        return await self._run(lambda: complete(kind, positions, params.position))

    async def list_actions(self, params: Any) -> list[types.CodeAction]:
        """Return the repairs of the errors in a range."""
        analysis = await self._analysis(params.text_document.uri)
        if analysis is None:
            return []
        positions, uris = self._positions(analysis.text), self._uris()
        return await self._run(
            lambda: list(build_code_actions(analysis, positions, uris, params.range))
        )

    async def _analysis(self, uri: str) -> Analysis | None:
        """Return the result for the current text, which may have changed since the last check."""
        file, text = self._read(uri)
        known = self.analyses.get(uri)
        if known is not None and known.text == text:
            return known
        return await self._run(lambda: analyze(file, text))

    # --- what requests share -----------------------------------------------------------------

    def _read(self, uri: str) -> tuple[str, str]:
        text = self.server.workspace.get_text_document(uri).source
        return _to_path(uri), normalize_text(text)

    def _uris(self) -> dict[str, str]:
        return {_to_path(uri): uri for uri in self.versions}

    def _positions(self, text: str) -> TextPositions:
        encoding = self.server.workspace.position_encoding
        return TextPositions(text, getattr(encoding, "value", encoding))

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.worker, work)


def _to_path(uri: str) -> str:
    return to_fs_path(uri) or uri


def _forward(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function for a method, because the library sets attributes on its handlers."""

    async def handle(params: Any) -> Any:
        return await handler(params)

    return handle
