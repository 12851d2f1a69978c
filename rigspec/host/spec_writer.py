"""Write the spec of a machine, with the source of each line as a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

import tomlkit
from tomlkit.items import Item, SingleKey, Table

from rigspec.diagnostics.sanitize import sanitize
from rigspec.host.facts import Host
from rigspec.host.parsers import Card, round_to_decimal_size
from rigspec.host.python_environments import FoundEnvironment
from rigspec.matrix.loader import find_package_owner, load_matrix
from rigspec.matrix.model import Matrix, Release
from rigspec.matrix.part_lookup import find_part
from rigspec.resolution import DEFAULT_ARCH
from rigspec.spec.types import NO_DRIVER, has_apt
from rigspec.version_specifiers import parse_version

__all__ = ["render_spec"]

_MACHINE = "host"
_MAX_NAME = 200
_INSTRUCTIONS = re.compile(r"avx\w*|fma|f16c|amx\w*")
_PRODUCTS = ("cpu", "gpu", "instance", "os", "pip")

# Decorations that makers add to the usual name of a processor or card.
_DECORATION = re.compile(
    r"\((?:R|TM)\)|\bCPU\b|\s@\s.*|\b[0-9]+-Core Processor\b|\bProcessor\b|\bwith .*"
    r"|\bRev\. \w+"
)


def render_spec(host: Host, name: str) -> str:
    """Return the spec of a machine; undetected parts are comments."""
    matrix = load_matrix(_PRODUCTS)
    document = tomlkit.document()
    for line in _heading(host):
        document.add(tomlkit.comment(_line(line)))
    document.add("rig", tomlkit.item(1))
    document.add("name", tomlkit.item(name))
    document.add(tomlkit.nl())
    machines = tomlkit.table(is_super_table=True)
    machines.add(_MACHINE, _machine(host, matrix))
    document.add("machine", machines)
    cuda = _cuda(host)
    if cuda is not None:
        document.add("cuda", cuda)
    environments = _environments(host, matrix)
    if environments is not None:
        document.add("env", environments)
    return tomlkit.dumps(document).rstrip("\n") + "\n" + "".join(_closing_comments(host))


def _heading(host: Host) -> Iterator[str]:
    yield "Detected by `rigspec init`; the comment of each line is its source."
    yield "Next: `rigspec check` reports what does not fit together."
    for unread in host.unread:
        yield f"Not detected: {unread.part} ({unread.why})"


# --- the machine ---------------------------------------------------------------------------


def _machine(host: Host, matrix: Matrix) -> Table:
    table = tomlkit.table()
    instance = _instance(host, matrix)
    if host.cloud is not None:
        _add(table, "kind", "cloud", "the firmware's table (DMI)")
    if instance is not None:
        _add(table, "instance", instance.label, "the firmware's table (DMI)")
    elif host.cloud is not None:
        unknown = f"`{host.cloud.instance}` is not in the matrix"
        which = unknown if host.cloud.instance else "the firmware does not name the type"
        table.add(tomlkit.comment(_line(f"instance: {host.cloud.family} ({which})")))
    if host.system is not None:
        _add(table, "os", _os(host, matrix), "/etc/os-release")
    else:
        table.add(
            tomlkit.comment(
                'os = "…": set the system and its version; default: the newest that fits'
            )
        )
    architecture = host.processor.architecture if host.processor is not None else None
    _add(table, "arch", architecture if architecture != DEFAULT_ARCH else None, "lscpu")
    _add_driver(table, host, matrix)
    _add(table, "gcc", host.gcc, "gcc --version")
    if host.docker is not None:
        engine = _inline(**{"version": host.docker, "from": "none"})
        _add(table, "docker", engine, "docker --version")
    sockets = host.processor.sockets if host.processor is not None else 1
    _add(table, "cpu", _cpu(host, matrix), f"lscpu: {sockets} of them" if sockets > 1 else "lscpu")
    if instance is None:
        _add(table, "gpus", _gpus(host, matrix), host.cards_of)
    if host.cloud is None:
        _own_parts(table, host)
    return table


def _add_driver(table: Table, host: Host, matrix: Matrix) -> None:
    """Add the driver with its source: ``none`` for one that no step installs."""
    source, comment = host.driver_source, "nvidia-smi, or the kernel module"
    system = host.system.id if host.system is not None else None
    without_apt = system is not None and not has_apt(system)
    has_packages = not without_apt or _has_package_manager(host, matrix)
    if host.cards and not has_packages and host.driver is None:
        _add(table, "driver", NO_DRIVER, f"rigspec installs no driver on {system}")
        return
    if (host.driver is not None and without_apt) or source == "runfile":
        why = "rigspec does not install it here"
        if source == "runfile" or has_packages:
            why = "a runfile" if source == "runfile" else "its packages are unknown"
        source, comment = NO_DRIVER, f"{comment}; {why}"
    elif source is not None:
        comment = f"{comment}; the packages that contain it"
    if host.driver is None or source is None:
        _add(table, "driver", host.driver, comment)
        return
    parts = {"version": host.driver, "from": source, "modules": host.kernel_modules}
    _add(table, "driver", _inline(**parts), comment)


def _has_package_manager(host: Host, matrix: Matrix) -> bool:
    """Return whether steps install packages on a system without apt."""
    release = matrix.product("os").find_release(_os(host, matrix))
    return release is not None and release.get("package_manager") is not None


def _own_parts(table: Table, host: Host) -> None:
    if host.board is not None:
        _add(table, "motherboard", _inline(model=_name(host.board)), "the firmware's table (DMI)")
    if host.modules:
        size = sum(module.size for module in host.modules)
        kinds = {module.type for module in host.modules}
        speeds = {module.speed for module in host.modules}
        memory = _inline(
            size=_binary(size),
            type=kinds.pop() if len(kinds) == 1 else None,
            modules=len(host.modules),
            speed=speeds.pop() if len(speeds) == 1 else None,
        )
        _add(table, "memory", memory, "dmidecode")
    elif host.ram is not None:
        memory = _inline(size=_binary(host.ram))
        _add(table, "memory", memory, "/proc/meminfo: memory of the kernel; more is installed")
    if host.disks:
        alike = groupby(sorted(host.disks, key=lambda disk: (disk.kind, disk.size)))
        items = [
            _inline(size=round_to_decimal_size(disk.size), kind=disk.kind, count=_many(list(found)))
            for disk, found in alike
        ]
        _add(table, "storage", _list(items), "lsblk")


def _os(host: Host, matrix: Matrix) -> str:
    """Return the system as the matrix names it: by release, or by series (`8` of `8.8`)."""
    if host.system is None:
        return ""
    known = {
        release.version
        for release in matrix.product("os").releases
        if (release.family or "") == host.system.id
    }
    version = host.system.version
    series = version.partition(".")[0]
    if version not in known and series in known:
        version = series
    return _name(f"{host.system.id} {version}".strip())


def _cpu(host: Host, matrix: Matrix) -> Item | None:
    cpu = host.processor
    if cpu is None:
        return None
    bare = " ".join(_DECORATION.sub(" ", cpu.model).split()) or cpu.model
    known = find_part(matrix.product("cpu"), bare)
    features = [flag for flag in cpu.flags if _INSTRUCTIONS.fullmatch(flag)]
    return _inline(
        model=known.label if known is not None else _name(bare),
        cores=cpu.cores,
        threads=cpu.threads,
        features=features if cpu.flags else None,
    )


def _gpus(host: Host, matrix: Matrix) -> Item | None:
    if not host.cards:
        return None
    items = []
    for card, found in groupby(host.cards):
        items.append(_gpu(card, _many(list(found)), host, matrix))
    return _list(items)


def _gpu(card: Card, count: int | None, host: Host, matrix: Matrix) -> Item:
    """Return a card by its name in the matrix, else with the facts from the driver."""
    bare = " ".join(_DECORATION.sub(" ", card.name).split()) or card.name
    known = find_part(matrix.product("gpu"), bare)
    memory = known.get("memory_gib") if known is not None else None
    one_size = memory is not None and re.fullmatch(r"[0-9.]+", memory) is not None
    return _inline(
        model=known.label if known is not None else _name(bare),
        count=count,
        compute_capability=host.capabilities.get(card.name) if known is None else None,
        memory=_binary(card.memory) if card.memory and not one_size else None,
    )


def _instance(host: Host, matrix: Matrix) -> Release | None:
    if host.cloud is None or host.cloud.instance is None:
        return None
    return find_part(matrix.product("instance"), host.cloud.instance)


# --- the software --------------------------------------------------------------------------


def _cuda(host: Host) -> Table | None:
    if host.toolkit is None:
        return None
    table = tomlkit.table()
    _add(table, "toolkit", host.toolkit, "/usr/local/cuda")
    _add(table, "cudnn", host.cudnn, "its header")
    if host.provider is not None:
        _add(table, "provider", host.provider, "the packages that contain it")
    else:
        table.add(tomlkit.comment("provider: not installed from a package"))
    return table


def _environments(host: Host, matrix: Matrix) -> Table | None:
    table = tomlkit.table(is_super_table=True)
    for env in host.environments:
        name = _identifier(env.name)
        if _frameworks(env) and name and name not in table:
            table.add(name, _environment(env, matrix))
    return table if len(table) else None


def _environment(env: FoundEnvironment, matrix: Matrix) -> Table:
    table = tomlkit.table()
    series = ".".join(env.python.split(".")[:2])
    _add(table, "python", series, f"it is {env.python}")
    _add(table, "interpreter", env.interpreter)
    pip = env.packages.get("pip")
    if pip is not None and any(r.version == pip for r in matrix.product("pip").releases):
        _add(table, "pip", pip)
    elif pip is not None:
        table.add(tomlkit.comment(_line(f"pip {pip} is not in the matrix")))
    _add(table, "frameworks", _inline(**_frameworks(env)))
    if env.others:
        table.add(tomlkit.comment(f"{env.others} further packages: add those to keep"))
    return table


def _frameworks(env: FoundEnvironment) -> dict[str, str]:
    """Return the frameworks by package, one package of each, with the builds they are of."""
    found: dict[str, str] = {}
    products: set[str] = set()
    for package, version in env.packages.items():
        owner = find_package_owner(package)
        if owner is None or owner[0] in products or parse_version(version) is None:
            continue
        products.add(owner[0])
        found[package] = version
    return found


def _closing_comments(host: Host) -> Iterator[str]:
    bare = [env for env in host.environments if not _frameworks(env)]
    if bare:
        names = ", ".join(f"{env.name} (Python {env.python})" for env in bare)
        yield f"\n# {_line(f'Without a framework: {names}')}\n"
    if not any(_frameworks(env) for env in host.environments):
        yield '\n# [env.lab]\n# python = "3.12"\n# frameworks = { torch = "*" }\n'


# --- pieces --------------------------------------------------------------------------------


def _add(table: Table, key: str, value: object, source: str | None = None) -> None:
    if value is None:
        return
    item = tomlkit.item(value)
    if source is not None:
        item.comment(_line(source))
    table.add(key, item)


def _inline(**values: object) -> Item:
    """Return an inline table with the usual spaces."""
    pairs = (
        f"{SingleKey(key).as_string()} = {tomlkit.item(value).as_string()}"
        for key, value in values.items()
        if value is not None
    )
    return tomlkit.value(f"{{ {', '.join(pairs)} }}")


def _list(items: list[Item]) -> Item:
    array = tomlkit.array()
    for item in items:
        array.append(item)
    if len(items) > 1:
        array.multiline(True)
    return array


def _many(alike: Sequence[object]) -> int | None:
    return len(alike) if len(alike) > 1 else None


def _name(text: str) -> str:
    """Return a name that a spec accepts: one short line of visible characters."""
    return " ".join(sanitize(text).split())[:_MAX_NAME].strip() or "unknown"


def _line(text: str) -> str:
    return " ".join(sanitize(text).split())[: 2 * _MAX_NAME]


def _identifier(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:32].lstrip("0123456789-_")


def _binary(mebibytes: int) -> str:
    if mebibytes % 1024 == 0:
        return f"{mebibytes // 1024} GiB"
    return f"{mebibytes} MiB"
