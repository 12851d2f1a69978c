"""Places where people put a secret, as the text of a file and its name."""

from __future__ import annotations

__all__ = ["KINDS", "PLACES"]

# Twelve kinds of `PLANTED` that fit on a line of any file.
KINDS = (
    "aws", "github", "gitlab", "slack", "hugging face", "anthropic",
    "pypi", "npm", "stripe", "jwt", "crypt", "address",
)  # fmt: skip

_RIG = 'rig = 1\nname = "box"\n'
_MACHINE = '[machine.box]\nos = "debian 12"\n'

PLACES: dict[str, tuple[str, str]] = {
    "summary": ("rig.toml", _RIG + 'summary = "{}"\n' + _MACHINE),
    "comment": ("rig.toml", _RIG + "# {}\n" + _MACHINE),
    "comment at the end of a line": ("rig.toml", _RIG + _MACHINE + "cpu = 'i7' # {}\n"),
    "value of a variable": ("rig.toml", _RIG + _MACHINE + '[system.env]\nTEXT = "{}"\n'),
    "folder to prepend": (
        "rig.toml",
        _RIG + _MACHINE + '[system.env]\nPATH = { prepend = ["/opt/{}"] }\n',
    ),
    "key": ("rig.toml", _RIG + _MACHINE + '[system.env]\n"{}" = "x"\n'),
    "unknown key": ("rig.toml", _RIG + 'notes = "{}"\n' + _MACHINE),
    "misspelt key": ("rig.toml", _RIG + _MACHINE + '[service.jupyter]\npasswrd = "{}"\n'),
    "repeated key": ("rig.toml", _RIG + 'name = "{}"\n' + _MACHINE),
    "no quotes": ("rig.toml", _RIG + "summary = {}\n" + _MACHINE),
    "unclosed quote": ("rig.toml", _RIG + 'summary = "{}\n' + _MACHINE),
    "colon for the equals sign": ("rig.toml", _RIG + "password: {}\n" + _MACHINE),
    "text after a string": ("rig.toml", _RIG + 'summary = "{}" x\n' + _MACHINE),
    "lines of a string": ("rig.toml", _RIG + 'summary = """\n{}\n"""\n' + _MACHINE),
    "model of a part": ("rig.toml", _RIG + _MACHINE + 'cpu = "{}"\n'),
    "argument of the kernel": ("rig.toml", _RIG + _MACHINE + 'kernel_args = ["key={}"]\n'),
    "address of an index": (
        "rig.toml",
        _RIG + _MACHINE + '[mirrors]\npypi = "https://index.example.org/simple?key={}"\n',
    ),
    "setting of a framework": (
        "rig.toml",
        _RIG + _MACHINE + '[env.lab]\nframeworks = { keras = "*" }\n'
        '[env.lab.config.keras]\nmore = "{}"\n',
    ),
    "command of a pane": (
        "rig.toml",
        _RIG + _MACHINE + '[env.lab]\n[service.tmux.lab]\nenv = "lab"\n'
        '[[service.tmux.lab.windows]]\nname = "a"\npanes = ["run {}"]\n',
    ),
    "requirements file": ("requirements.txt", "--index-url {}\nsix\n"),
    "conda environment": (
        "environment.yml",
        "name: x\nvariables:\n  TEXT: {}\ndependencies:\n- six\n",
    ),
    "Dockerfile": ("Dockerfile", "FROM debian:12\nENV TEXT={}\nRUN pip install six {}\n"),
}
