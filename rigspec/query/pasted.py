"""Read a question from the output of ``nvidia-smi`` or ``python -m torch.utils.collect_env``."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from rigspec.query.question import BadQuestion, Question, Requested

__all__ = ["read_pasted"]

_DRIVER = re.compile(r"Driver Version:\s*([0-9][0-9.]*)")
# | 0  NVIDIA GeForce RTX 4090   On | …: the name is between the number and the mode.
_ROW = re.compile(r"^\|\s+\d+\s+(\S.*?)\s{2,}(?:On|Off|N/A|WDDM|TCC)\b", re.MULTILINE)
_LIST = re.compile(r"^GPU \d+: (.+?)(?: \(UUID: .*\))?$", re.MULTILINE)
_FIELD = re.compile(r"^([A-Z][A-Za-z /()]+?):\s*(.*)$", re.MULTILINE)
_PACKAGE = re.compile(r"^\[(?:pip3?|conda)\] ([A-Za-z0-9._-]+)(?:==|\s+)(\S+)", re.MULTILINE)
_OS = re.compile(r"(Ubuntu|Debian GNU/Linux|Rocky Linux|Red Hat Enterprise Linux|CentOS Linux)\D*"
                 r"(\d+(?:\.\d+)?)")  # fmt: skip
_OS_NAMES = {
    "Ubuntu": "ubuntu",
    "Debian GNU/Linux": "debian",
    "Rocky Linux": "rocky",
    "Red Hat Enterprise Linux": "rhel",
    "CentOS Linux": "centos",
}
# The packages of a report that have a say in what runs.
_FRAMEWORKS = ("torch", "torchvision", "torchaudio", "triton", "jax", "jaxlib", "tensorflow")


def read_pasted(text: str) -> Question:
    """Return what a text says of GPU, driver, system, Python and frameworks.

    Nothing is added to it. Raises BadQuestion if it is neither output.
    """
    if "<nvidia_smi_log" in text:
        return _read_xml(text)
    if "PyTorch version:" in text:
        return _read_collect_env(text)
    if "NVIDIA-SMI" in text or _LIST.search(text):
        driver = _DRIVER.search(text)
        names = _ROW.findall(text) or _LIST.findall(text)
        return _question(names, driver[1] if driver else None)
    raise BadQuestion("this is neither the output of nvidia-smi nor of torch.utils.collect_env")


def _read_xml(text: str) -> Question:
    try:
        root = ET.fromstring(text)  # noqa: S314 - expat neither fetches nor expands without limit
    except ET.ParseError as error:
        raise BadQuestion(f"cannot read the XML of nvidia-smi: {error}") from None
    names = [name.text.strip() for name in root.iter("product_name") if name.text]
    return _question(names, root.findtext("driver_version"))


def _read_collect_env(text: str) -> Question:
    fields = {key.strip(): value.strip() for key, value in _FIELD.findall(text)}
    packages = dict(reversed(_PACKAGE.findall(text)))
    torch = _get_known(fields.get("PyTorch version"))
    if torch is not None:
        packages["torch"] = torch
    requests = tuple(
        Requested(name, f"=={packages[name]}") for name in _FRAMEWORKS if name in packages
    )
    python = re.match(r"\d+\.\d+(?:\.\d+)?", fields.get("Python version", ""))
    system = _OS.search(fields.get("OS", ""))
    question = _question(_LIST.findall(text), _get_known(fields.get("Nvidia driver version")))
    return Question(
        gpu=question.gpu,
        gpu_count=question.gpu_count,
        requests=requests,
        driver=question.driver,
        python=python[0] if python else None,
        os=f"{_OS_NAMES[system[1]]} {system[2]}" if system else None,
    )


def _question(names: list[str], driver: str | None) -> Question:
    kinds = list(dict.fromkeys(names))
    if len(kinds) > 1:
        raise BadQuestion(f"the machine has several kinds of GPU: {', '.join(kinds)}; name one")
    if not kinds and driver is None:
        raise BadQuestion("the text names no GPU and no driver")
    return Question(kinds[0] if kinds else None, max(len(names), 1), driver=driver)


def _get_known(value: str | None) -> str | None:
    return value if value and value not in ("N/A", "Could not collect", "None") else None
