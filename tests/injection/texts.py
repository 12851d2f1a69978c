"""Eighty texts that try to be more than text, by name.

What fires leaves a file in CANARY: a folder that is empty on a machine, and that no rig names.
"""

from __future__ import annotations

__all__ = ["CANARY", "HOSTILE", "UNWRITABLE"]

CANARY = "/mnt"
_TOUCH = f"touch {CANARY}/fired"
_TOUCH_IFS = f"touch${{IFS}}{CANARY}/fired"

HOSTILE: dict[str, str] = {
    # --- quotes, and what ends or chains a command
    "single quote": f"'; {_TOUCH}; '",
    "double quote": f'"; {_TOUCH}; "',
    "both quotes": f"'\"; {_TOUCH}; \"'",
    "ansi-c quote": f"$'\\x27'; {_TOUCH}; #",
    "unclosed quote": "it's",
    "backslash at the end": "ends in \\",
    "backslashes and a quote": f'\\\\"; {_TOUCH}; #\\',
    "semicolon": f"x; {_TOUCH}",
    "and": f"x && {_TOUCH}",
    "or": f"false || {_TOUCH}",
    "pipe": f"x | {_TOUCH}",
    "background": f"x & {_TOUCH}",
    "redirection": f"x > {CANARY}/fired",
    "redirection without spaces": f">{CANARY}/fired",
    "subshell": f"({_TOUCH})",
    "group": f"}}; {_TOUCH}; {{",
    # --- what a shell expands
    "command substitution": f"$({_TOUCH})",
    "command substitution without spaces": f"$({_TOUCH_IFS})",
    "backticks": f"`{_TOUCH}`",
    "backticks in a version": f"===`{_TOUCH_IFS}`",
    "variable": "$HOME",
    "variable in braces": "${HOME}",
    "assignment in braces": f"${{X:=$({_TOUCH})}}",
    "error in braces": "${NOTHING:?stop}",
    "arithmetic": f"$((a[$({_TOUCH})]))",
    "process substitution": f"<({_TOUCH})",
    "glob": "/etc/*",
    "brackets": "[a-z]*?",
    "braces": f"{{x,{CANARY}/fired}}",
    "tilde": "~root",
    "history": "!!; !-1; !touch",
    "zsh equals": "=touch",
    "comment": "# nothing after this",
    # --- lines
    "newline": f"x\n{_TOUCH}",
    "newline and a Dockerfile instruction": f"x\nRUN {_TOUCH}",
    "newline and a key": f"x\nruncmd:\n  - {_TOUCH}",
    "Windows line end": f"x\r\n{_TOUCH}\r\n",
    "carriage return": f"x\r{_TOUCH}",
    "line separator": f"x\u2028{_TOUCH}\u2029x",
    "next line": f"x\u0085{_TOUCH}",
    "heredoc": f"<<EOF\n$({_TOUCH})\nEOF",
    "end of a heredoc": "USAGE",
    # --- YAML and TOML
    "yaml tag": f"!!python/object/apply:os.system ['{_TOUCH}']",
    "yaml anchor": "&a [*a, *a]",
    "yaml mapping": f"a: {{runcmd: [{_TOUCH}]}}",
    "yaml sequence": "- x",
    "yaml block": "| x",
    "yaml directive": "%YAML 1.1",
    "yaml boolean": "no",
    "toml string": '"""\nrig = 2\n[x]\n',
    # --- Dockerfiles
    "escape directive": "escape=`",
    "syntax directive": "syntax=registry.invalid/evil:latest",
    # --- templates and other languages
    "jinja expression": f"{{{{ lookup('pipe', '{_TOUCH}') }}}}",
    "jinja statement": "{% for x in range(9) %}{% raw %}",
    "jinja comment": "{# x",
    "systemd": "%i %h ${HOME} %%",
    "printf and sed": "%s%n\\x41\\0101 &\\1/e",
    # --- paths and options
    "parent folders": f"../../../..{CANARY}/fired",
    "absolute path": "/etc/bash.bashrc",
    "account file": "/etc/passwd",
    "option": "--help",
    "option with a value": f"-oAPT::Update::Pre-Invoke::={_TOUCH_IFS}",
    # --- characters
    "nothing": "",
    "blank": "   ",
    "tab": "a\tb",
    "NUL": f"x\0{_TOUCH}",
    "bell and backspace": "\a\b\b\b",
    "terminal escape": f"\x1b]0;owned\x07\x1b[2J{_TOUCH}",
    "C1 escape": "\x9b2J",
    "delete": "x\x7f",
    "bidirectional override": "x\u202egnp.exe\u202c",
    "bidirectional isolate": "x\u2066 // \u2069",
    "zero width": "x\u200by",
    "zero width joiner": "x\u200dy",
    "byte order mark": "\ufeffx",
    "no-break space": "x\u00a0y\u3000z",
    "homoglyph": "\u0440\u0430ssword",
    "other digits": "١٢٣.४५",
    "beyond the first plane": "x\U0001f600",
    "unseen tags": "x\U000e0041\U000e0042",
    "combining": "e\u0301\u0301\u0301",
    "64 KiB": "x" * 65536,
}

# What TOML itself cannot hold: lone surrogates, as an escape and as bytes that are not UTF-8.
UNWRITABLE: dict[str, bytes] = {
    "surrogate as an escape": rb'"\ud800"',
    "both surrogates as escapes": rb'"\ud83d\ude00"',
    "surrogate in bytes": b'"\xed\xa0\x80"',
    "not UTF-8": b'"\xff\xfe"',
    "unfinished string": b'"x',
    "raw control character": b'"\x1b[2J"',
}
