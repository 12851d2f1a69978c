"""A plan through a backend: pure, the same bytes for the same plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateError, TemplateNotFound

from rigspec.backend.discovery import Backend, BackendError, Output
from rigspec.backend.quoting import FILTERS
from rigspec.backend.size_limits import Seed, fit_to_limit, limit_of
from rigspec.fs.atomic_tree import OutputFile
from rigspec.plan.model import Omission, PayloadFile, Plan
from rigspec.plan.steps import EnvironmentVariables, File, Secret, Service, Step, User, Variables

__all__ = ["compile_plan", "omissions", "step_texts", "template_environment"]

_STEPS = "steps/"


def compile_plan(plan: Plan, backend: Backend) -> tuple[OutputFile, ...]:
    """The files of one target, sorted by path. What has nothing to say of this plan is not written.

    Raises BackendError, and OutputTooLarge for what the machine's provider would not take.
    """
    environment = template_environment(backend)
    steps = backend.steps(plan)
    payload = (*plan.payload, *_step_files(environment, backend.built(plan)))
    facts = {
        "plan": plan,
        "steps": steps,
        "payload": payload,
        "omissions": backend.omissions(plan),
        "texts": {file.name: file.content for file in payload},
        "seed": None,
    }
    outputs = [
        file
        for out in backend.outputs
        if out.bulk_of is None
        for file in _written(environment, backend, plan, out, facts)
    ]
    if backend.payload is not None:
        outputs += [
            OutputFile(f"{backend.payload}/{file.name}", file.content.encode(), 0o644)
            for file in payload
        ]
    return tuple(sorted(outputs, key=lambda file: file.path))


def omissions(plan: Plan, backend: Backend) -> tuple[Omission, ...]:
    """What the target does not do of the plan, and why."""
    return backend.omissions(plan)


def step_texts(plan: Plan, backend: Backend) -> dict[str, str]:
    """The contents that the target's steps put on the machine, by the id of their step.

    Raises BackendError.
    """
    files = _step_files(template_environment(backend), backend.built(plan))
    return {file.name: file.content for file in files}


def template_environment(backend: Backend) -> Environment:
    """Jinja as the templates of a backend see it: strict, and never escaping for HTML."""
    environment = Environment(
        loader=_Loader(backend),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - shell, YAML and Dockerfiles have quoting of their own
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    return environment


def _written(
    environment: Environment,
    backend: Backend,
    plan: Plan,
    output: Output,
    facts: Mapping[str, object],
) -> Iterator[OutputFile]:
    """The files of one output, held to what the machine's provider takes."""
    limit = limit_of(output.path, backend.limits, plan.deployment)
    if limit is None:
        yield from _rendered(environment, output, facts)
        return

    def rendering(of: Output) -> Callable[[Seed | None], str]:
        def render(seed: Seed | None) -> str:
            (file,) = _rendered(environment, of, {**facts, "seed": seed})
            return file.content.decode()

        return render

    bulk = next((each for each in backend.outputs if each.bulk_of == output.path), None)
    beside = (bulk, rendering(bulk)) if bulk is not None else None
    yield from fit_to_limit(output, rendering(output), limit, beside, plan.deployment)


def _rendered(
    environment: Environment, output: Output, facts: Mapping[str, Any]
) -> Iterator[OutputFile]:
    try:
        if output.each is None:
            yield from _file_of(environment, output, facts, "")
            return
        for step in _steps_of(facts, output.each):
            name = getattr(step, "name", step.id)
            yield from _file_of(environment, output, {**facts, "step": step}, name)
    except (TemplateError, ValueError) as error:
        raise BackendError(f"{output.template}: {error}") from error


def _file_of(
    environment: Environment, output: Output, facts: Mapping[str, Any], name: str
) -> Iterator[OutputFile]:
    """The file of an output, or none where it is one that may have nothing to say."""
    path = output.path.replace("{name}", name)
    if output.copies is not None:
        text = facts["texts"].get(output.copies.replace("{name}", name))
        if text is not None:
            yield _file(path, text, output.mode)
        return
    text = environment.get_template(output.template).render(facts)
    if text.strip() or not output.optional:
        yield _file(path, text, output.mode)


def _steps_of(facts: Mapping[str, object], kind: str) -> Iterator[Step]:
    steps = facts["steps"]
    if isinstance(steps, tuple):
        yield from (step for step in steps if step.kind == kind)


def _file(path: str, text: str, mode: int) -> OutputFile:
    return OutputFile(path, text.encode(), mode)


def _step_files(environment: Environment, steps: tuple[Step, ...]) -> Iterator[PayloadFile]:
    """The contents that steps put on the machine, as files that travel with the artifact."""
    for step in steps:
        if isinstance(step, File):
            yield PayloadFile(step.id, step.content)
        elif isinstance(step, Secret) and step.text:
            yield PayloadFile(step.id, step.text)
        elif isinstance(step, Service) and step.unit:
            yield PayloadFile(step.id, step.unit)
        elif isinstance(step, User) and step.ssh_keys:
            yield PayloadFile(step.id, "".join(f"{key}\n" for key in step.ssh_keys))
        elif isinstance(step, EnvironmentVariables):
            for (name, _), part in zip(step.scripts, ("begin", "end"), strict=True):
                template = environment.get_template(f"{_STEPS}environment-{part}.sh.j2")
                yield PayloadFile(name, template.render(step=step))
        elif isinstance(step, Variables):
            template = environment.get_template(f"{_STEPS}variables.fragment.j2")
            yield PayloadFile(step.id, template.render(step=step))


class _Loader(BaseLoader):
    """Templates of the backend's own folder, and the steps that all backends share."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        """The text of a template; Jinja's protocol. Raises TemplateNotFound."""
        folder = self._backend.folder
        if template.startswith(_STEPS):
            folder = files("rigspec.backends")
        source = folder.joinpath(*template.split("/"))
        if not source.is_file():
            raise TemplateNotFound(template)
        return source.read_text(encoding="utf-8"), template, None
