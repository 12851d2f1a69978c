"""Names that one table of a rig uses and another has to declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.document import Document, KeyPath
from rigspec.spec.environment import Environment
from rigspec.spec.model import Rig

__all__ = ["dangling_references"]


def dangling_references(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error for every environment, framework or machine that is used and not declared."""
    jupyter = rig.service.jupyter
    if jupyter is not None and jupyter.env not in rig.env:
        path: KeyPath = ("service", "jupyter", "env")
        yield _dangling(document, path, f"no environment `{jupyter.env}`", jupyter.env, rig.env)
    yield from _sessions(rig, document)
    for env_name, env in rig.env.items():
        having = _programs(env)
        for program in env.config:
            if program not in having:
                path = ("env", env_name, "config", program)
                message = f"settings for `{program}`, which is not among the env's frameworks"
                yield _dangling(document, path, message, program, having, of="key")
    for machine_name, machine in rig.machine.items():
        others = [name for name in rig.machine if name != machine_name]
        if machine.against is not None and machine.against not in others:
            path = ("machine", machine_name, "against")
            message = f"no other machine `{machine.against}`"
            yield _dangling(document, path, message, machine.against, others)
    yield from _seen_environments(rig, document)


def _programs(env: Environment) -> tuple[str, ...]:
    """What an environment has that may have settings: its frameworks, packages and tools."""
    conda = "conda" in (env.manager, env.interpreter_kind)
    return (*env.frameworks, *env.packages, "pip", *(("conda",) if conda else ()))


def _seen_environments(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    jupyter = rig.service.jupyter
    for name, user in rig.user.items():
        for index, env in enumerate(user.envs or ()):
            if env not in rig.env:
                path: KeyPath = ("user", name, "envs", index)
                yield _dangling(document, path, f"no environment `{env}`", env, rig.env)
        if user.envs is not None and jupyter is not None and jupyter.env not in user.envs:
            path = ("user", name, "envs")
            message = f"the notebook of {name} runs in `{jupyter.env}`, which {name} may not use"
            yield _dangling(document, path, message, "", ())


def _sessions(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    for name, session in rig.service.tmux.items():
        here: KeyPath = ("service", "tmux", name)
        used = [((*here, "env"), session.env)]
        for index, window in enumerate(session.windows):
            used.append(((*here, "windows", index, "env"), window.env))
        for path, env in used:
            if env is not None and env not in rig.env:
                yield _dangling(document, path, f"no environment `{env}`", env, rig.env)


def _dangling(
    document: Document,
    path: KeyPath,
    message: str,
    name: str,
    known: Iterable[str],
    of: str = "value",
) -> Diagnostic:
    near = get_close_matches(name, list(known), n=1)
    advice = (f"did you mean `{near[0]}`?",) if near else ()
    span = document.span(path, of=of, label="not declared")
    return Diagnostic("RS008", Severity.ERROR, message, spans=(span,), help=advice)
