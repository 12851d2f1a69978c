"""Render a plan with a backend; the result depends on the plan only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateError, TemplateNotFound

from rigspec.backend import image, quoting
from rigspec.backend.discovery import Backend, BackendError, Output, find_template
from rigspec.backend.documents import build_values, render_document
from rigspec.backend.quoting import FILTERS, sha256
from rigspec.backend.shell_library import read_library, read_library_for
from rigspec.backend.short_checksums import remove_program_comments, shorten_checksums
from rigspec.backend.size_limits import Renderer, Seed, fit_to_limit, limit_of
from rigspec.backend.template_cache import TemplateCache
from rigspec.fs.atomic_tree import OutputFile
from rigspec.package_files import locate_package_file
from rigspec.plan.model import PayloadFile, Plan
from rigspec.plan.steps import Step, build_call
from rigspec.plan.steps.registry import find_step_kinds

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11 and newer

__all__ = ["compile_plan", "create_template_environment", "render_steps"]

_KINDS = "kinds/"
_LIBRARY = "library/"


def compile_plan(plan: Plan, backend: Backend) -> tuple[OutputFile, ...]:
    """Return the files of one target, sorted by path.

    Raises:
        BackendError: A template fails, or the backend does not account for a step.
        OutputTooLarge: An output exceeds the size limit of the provider.

    """
    steps = backend.steps(plan)
    environment = create_template_environment(backend, steps)
    payload = (*plan.payload, *_step_files(environment, backend.build_steps(plan)))
    context = {
        "plan": plan,
        "steps": steps,
        "payload": payload,
        "omissions": backend.omissions(plan),
        "checks": backend.checks_of(plan),
        "texts": {file.name: file.content for file in payload},
        "payload_digest": _digest_payload(payload),
        "seed": None,
        "compact": False,
        "short": False,
        "completions": {},
        "build_call": build_call,
        "read_library_for": read_library_for,
    }
    outputs = [
        file
        for out in backend.outputs
        if out.overflow_of is None
        for file in _render_output(environment, backend, plan, out, context)
    ]
    if backend.payload is not None:
        delivered = _named_files(payload, outputs) if backend.trim_payload else payload
        outputs += [
            OutputFile(f"{backend.payload}/{file.name}", file.content.encode(), 0o644)
            for file in delivered
        ]
    return tuple(sorted(outputs, key=lambda file: file.path))


def render_steps(plan: Plan, backend: Backend) -> dict[str, str]:
    """Return the text of the files that the target's steps write, by name.

    Raises:
        BackendError: The backend does not account for a step.

    """
    steps = backend.build_steps(plan)
    files = _step_files(create_template_environment(backend, steps), steps)
    return {file.name: file.content for file in files}


def create_template_environment(backend: Backend, steps: Iterable[Step] = ()) -> Environment:
    """Return the Jinja environment of a backend: strict, without HTML escaping.

    The library has the shell of the ``steps``, with that of every built-in kind.
    """
    kinds = find_step_kinds()
    others = frozenset(step.kind for step in steps if not kinds[step.kind].is_builtin)
    environment = Environment(
        loader=_Loader(backend, others),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - the filters quote for shell, YAML and Dockerfiles
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_create_template_cache(),
    )
    environment.filters.update(FILTERS)
    environment.globals["image"] = image
    return environment


@cache
def _create_template_cache() -> TemplateCache:
    return TemplateCache(locate_package_file(quoting.__file__, "quoting.py").read_bytes())


def _named_files(
    payload: Iterable[PayloadFile], outputs: Iterable[OutputFile]
) -> Iterator[PayloadFile]:
    """Yield the payload files that an output names."""
    texts = "\n".join(output.content.decode() for output in outputs)
    for file in payload:
        if re.search(rf"(?<![\w.-]){re.escape(file.name)}(?![\w.-])", texts):
            yield file


def _render_output(
    environment: Environment,
    backend: Backend,
    plan: Plan,
    output: Output,
    context: Mapping[str, Any],
) -> Iterator[OutputFile]:
    """Yield the files of one output, fitted to the size limit of the provider."""
    limit = limit_of(output.path, backend.limits, plan.deployment)
    if limit is None:
        yield from _render_files(environment, output, context)
        return

    def renderer(of: Output) -> Renderer:
        def render(seed: Seed | None = None, *, compact: bool = False, short: bool = False) -> str:
            values = {**context, "seed": seed, "compact": compact}
            if compact:
                values["payload"] = tuple(map(remove_program_comments, context["payload"]))
            if short:
                payload, completions = shorten_checksums(context["steps"], values["payload"])
                values |= {"payload": payload, "completions": completions, "short": True}
            (file,) = _render_files(environment, of, values)
            return file.content.decode()

        return render

    file = next((each for each in backend.outputs if each.overflow_of == output.path), None)
    overflow = (file, renderer(file)) if file is not None else None
    yield from fit_to_limit(output, renderer(output), limit, overflow, plan.deployment)


def _render_files(
    environment: Environment, output: Output, context: Mapping[str, Any]
) -> Iterator[OutputFile]:
    try:
        if output.each is None:
            yield from _render_file(environment, output, context, "")
            return
        for step in _steps_of_kind(context, output.each):
            name = getattr(step, "name", step.id)
            yield from _render_file(environment, output, {**context, "step": step}, name)
    except (TemplateError, ValueError) as error:
        raise BackendError(f"{output.template}: {error}") from error


def _render_file(
    environment: Environment, output: Output, context: Mapping[str, Any], name: str
) -> Iterator[OutputFile]:
    """Yield the file of an output, unless it is optional and blank."""
    path = output.path.replace("{name}", name)
    if output.copies is not None:
        text = context["texts"].get(output.copies.replace("{name}", name))
        if text is not None:
            yield _output_file(path, text, output.mode)
        return
    if output.values is not None:
        values = build_values(output.values, context["plan"], context.get("step"))
        if values is None:
            return
        context = {**context, "values": values}
    if output.document is not None:
        text = render_document(output.document, context["plan"], context.get("step"))
    else:
        text = environment.get_template(output.template).render(context)
    if text.strip() or not output.optional:
        yield _output_file(path, text, output.mode)


def _steps_of_kind(context: Mapping[str, object], kind: str) -> Iterator[Step]:
    steps = context["steps"]
    if isinstance(steps, tuple):
        yield from (step for step in steps if step.kind == kind)


def _output_file(path: str, text: str, mode: int) -> OutputFile:
    return OutputFile(path, text.encode(), mode)


def _digest_payload(payload: tuple[PayloadFile, ...]) -> str:
    """Return the sha256 of the output of ``sha256sum`` for the files."""
    return sha256("".join(f"{sha256(file.content)}  {file.name}\n" for file in payload))


def _step_files(environment: Environment, steps: tuple[Step, ...]) -> Iterator[PayloadFile]:
    """Yield the files that steps write, for delivery with the artifact."""
    for step in steps:
        for file in step.delivered_files:
            content = file.content
            if file.template is not None:
                template = environment.get_template(f"{_KINDS}{step.kind}/{file.template}")
                content = template.render(step=step)
            yield PayloadFile(file.name, content)


class _Loader(BaseLoader):
    """Load templates of the backend, shared ones and ``kinds/KIND/``, and shell of ``library/``."""

    def __init__(self, backend: Backend, kinds: frozenset[str]) -> None:
        self._backend = backend
        self._kinds = kinds

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        """Return the source of a template.

        Raises:
            TemplateNotFound: There is no such template.

        """
        if template.startswith(_LIBRARY):
            text = read_library(template.removeprefix(_LIBRARY), others=self._kinds)
            return f"{{% raw %}}{text}{{% endraw %}}", template, None
        source = self._find(template)
        if source is None or not source.is_file():
            raise TemplateNotFound(template)
        return source.read_text(encoding="utf-8"), template, None

    def _find(self, template: str) -> Traversable | None:
        if template.startswith(_KINDS):
            name, _, file = template.removeprefix(_KINDS).partition("/")
            kind = find_step_kinds().get(name)
            return kind.find_file(file) if kind is not None else None
        return find_template(self._backend.folder, template)
