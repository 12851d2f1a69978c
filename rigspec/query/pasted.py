"""Read a question from the output of ``nvidia-smi`` or ``python -m torch.utils.collect_env``."""

from __future__ import annotations

from rigspec.importing.formats import collect_env, nvidia_smi
from rigspec.importing.model import Reading, SourceText, Subject, UnreadableFile
from rigspec.importing.registry import detect_format
from rigspec.query.question import BadQuestion, Question, Requested

__all__ = ["read_pasted"]

# The packages of a report that have a say in what runs.
_FRAMEWORKS = ("torch", "torchvision", "torchaudio", "triton", "jax", "jaxlib", "tensorflow")


def read_pasted(text: str) -> Question:
    """Return GPU, driver, system, Python and frameworks of a text.

    Raises:
        BadQuestion: if the text is neither output, or names several kinds of GPU.
    """
    source = SourceText("<stdin>", text)
    found = detect_format("", text)
    if found is None or found.module not in ("collect_env", "nvidia_smi"):
        raise BadQuestion("this is neither the output of nvidia-smi nor of torch.utils.collect_env")
    try:
        if found.module == "collect_env":
            return _question(collect_env.read(source))
        return _question(nvidia_smi.read(source))
    except UnreadableFile as error:
        raise BadQuestion(f"cannot read the output of nvidia-smi: {error}") from None


def _question(reading: Reading) -> Question:
    cards = [s.value for s in reading.statements if s.subject is Subject.GPU]
    kinds = list(dict.fromkeys(cards))
    if len(kinds) > 1:
        raise BadQuestion(f"the machine has several kinds of GPU: {', '.join(kinds)}; name one")
    if not kinds and reading.omissions:
        first = reading.omissions[0]
        raise BadQuestion(f"cannot read the GPU `{first.text}`: {first.reason}")
    values = {s.subject: s.value for s in reading.statements}
    if not kinds and Subject.DRIVER not in values:
        raise BadQuestion("the text names no GPU and no driver")
    packages = {s.name: s.value for s in reading.statements if s.subject is Subject.PACKAGE}
    python = values.get(Subject.PYTHON)
    return Question(
        gpu=kinds[0] if kinds else None,
        gpu_count=max(len(cards), 1),
        requests=tuple(Requested(n, packages[n]) for n in _FRAMEWORKS if n in packages),
        driver=values.get(Subject.DRIVER),
        python=python.removeprefix("==").removesuffix(".*") if python is not None else None,
        os=values.get(Subject.OS),
    )
