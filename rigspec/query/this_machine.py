"""A question about the machine that rigspec runs on."""

from __future__ import annotations

from rigspec.host.facts import find_host
from rigspec.host.recording import record_host
from rigspec.query.question import BadQuestion, Question

__all__ = ["read_this_machine"]


def read_this_machine() -> Question:
    """Return GPU, driver, system and processor of this machine, as far as it has them.

    Raises BadQuestion if it has several kinds of GPU.
    """
    machine = find_host(record_host())
    kinds = list(dict.fromkeys(card.name for card in machine.cards))
    if len(kinds) > 1:
        raise BadQuestion(f"the machine has several kinds of GPU: {', '.join(kinds)}; name one")
    system = machine.system
    return Question(
        gpu=kinds[0] if kinds else None,
        gpu_count=max(len(machine.cards), 1),
        driver=machine.driver,
        os=f"{system.id} {system.version}".strip() if system is not None else None,
    )
