"""Rigs that together use every field of the language."""

from __future__ import annotations

import datetime as dt
from typing import Any

__all__ = ["PLAIN", "RIGS"]

SSH_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIESIDTAn2+DwNg1ThRnXshD4bLBoCx+u4wPKa950PVKA alice@desk"
)
# What is built for real: nothing of it needs a network.
PLAIN: dict[str, Any] = {
    "rig": 1,
    "name": "plain",
    "summary": "A rig",
    "machine": {"box": {"os": "debian 12", "kernel_args": ["intel_iommu=off"]}},
    "container": {"base": "debian:12"},
    "system": {
        "groups": ["research"],
        "env": {"RIG_TEXT": "text", "RIG_PATH": {"prepend": ["/opt/one"]}},
    },
    "env": {
        "work": {
            "python": "3.11",
            "frameworks": {"tensorflow": "*", "keras": "*"},
            "packages": {"numpy": "*"},
            "threads": 2,
            "config": {
                "keras": {
                    "backend": "tensorflow",
                    "others": ["jax"],
                    "more": {"text": "text", "texts": ["text"]},
                }
            },
        }
    },
    "download": {
        "data": {"url": "file:///srv/data&touch;(x)!*", "to": "/opt/data", "sha256": "0" * 64}
    },
    "user": {"alice": {"groups": ["research"], "envs": ["work"], "ssh_keys": [SSH_KEY]}},
}

# Everything, in the longest form.
WHOLE: dict[str, Any] = {
    "rig": 1,
    "name": "whole",
    "summary": "Everything",
    "machine": {
        "tower": {
            "kind": "on-premise",
            "os": "ubuntu 16.04",
            "arch": "x86_64",
            "instance": "aws p2.xlarge",
            "driver": {"version": ">=384.81", "from": "nvidia", "modules": "proprietary"},
            "gcc": "5",
            "docker": {"version": ">=17", "from": "distribution"},
            "cpu": {
                "model": "AMD 1900X",
                "memory": "DDR4",
                "features": ["avx"],
                "price": "430 USD",
            },
            "gpus": [
                {
                    "model": "GTX 1080 Ti",
                    "count": 2,
                    "compute_capability": "6.1",
                    "memory": "11 GB",
                    "length": "270 mm",
                    "price": "700 USD",
                }
            ],
            "motherboard": {
                "model": "MSI X399 SLI Plus",
                "memory": "DDR4",
                "memory_max": "128 GB",
                "slots": ["x16", "x16"],
                "price": "300 USD",
            },
            "memory": {"size": "32 GB", "type": "DDR4", "price": "300 USD"},
            "storage": [{"size": "256 GB", "kind": "ssd", "price": "100 USD"}],
            "psu": {
                "model": "EVGA SuperNOVA",
                "watts": 1000,
                "efficiency": "80+ gold",
                "price": "150 USD",
            },
            "case": {
                "model": "Corsair 760T",
                "gpu_clearance": ["450 mm", "400 mm"],
                "price": "150 USD",
            },
            "other": [{"model": "Corsair H100i v2", "price": "100 USD"}],
            "price": "3000 USD",
            "budget": "3000 USD",
            "against": "rented",
            "electricity": "0.12 USD/kWh",
            "kernel_args": ["intel_iommu=off"],
        },
        "rented": {
            "os": "ubuntu 16.04",
            "kind": "cloud",
            "instance": "aws p2.xlarge",
            "docker": ">=17",
        },
    },
    "cuda": {
        "toolkit": "9.0",
        "cudnn": {
            "version": "7",
            "built_for": "9.0",
            "url": "https://example.org/cudnn.tgz",
            "sha256": "0" * 64,
        },
        "packages": ["cuda-toolkit-9-0"],
        "repository_key": "AE09FE4BBD223A84B2CCFCE3F60F4B3D7FA2AF80",
        "provider": "nvidia",
    },
    "container": {"base": "ubuntu:16.04", "driver": "host"},
    "system": {
        "packages": ["tmux"],
        "groups": ["research"],
        "env": {"RIG_TEXT": "text", "RIG_PATH": {"prepend": ["/opt/one"]}},
    },
    "env": {
        "vision": {"machines": ["tower"], "python": "3.11", "interpreter": "uv"},
        "fastai": {
            "machines": ["tower"],
            "python": "3.6",
            "interpreter": {"from": "conda", "installer": "Anaconda3 5.2.0"},
            "manager": "venv",
            "pip": "*",
            "frameworks": {"tensorflow": "1.8", "keras": "*"},
            "packages": {"notebook": "*"},
            "channels": ["https://example.org/channel"],
            "as_of": dt.date(2026, 1, 1),
            "blas": "openblas",
            "threads": 8,
            "config": {"keras": {"backend": "tensorflow", "others": ["theano"]}},
        },
    },
    "service": {
        "ssh": {
            "machines": ["tower"],
            "port": 22,
            "fail2ban": {"bantime": "1h", "findtime": "10m", "maxretry": 3},
        },
        "jupyter": {
            "machines": ["tower"],
            "env": "fastai",
            "kernels": ["vision"],
            "tls": {"key": "rsa:2048"},
            "address": "127.0.0.1",
            "password": {"secret": "JUPYTER_PASSWORD_HASH"},
        },
        "tmux": {
            "dev": {
                "machines": ["tower"],
                "env": "fastai",
                "folder": "~/work",
                "windows": [
                    {
                        "name": "dev",
                        "layout": "main-vertical",
                        "main_pane": 140,
                        "env": "fastai",
                        "folder": "/srv",
                        "panes": ["", "watch nvidia-smi"],
                    }
                ],
            }
        },
        "program": {
            "chat": {
                "machines": ["tower"],
                "env": "fastai",
                "command": ["python", "-m", "http.server"],
                "user": "alice",
                "folder": "/srv",
                "address": "127.0.0.1",
                "variables": {"GREETING": "hello"},
                "secrets": {"HF_TOKEN": {"secret": "HUB"}},
            }
        },
        "dyndns": {
            "machines": ["tower"],
            "hostname": "rig.example.org",
            "protocol": "noip",
            "credentials": {"secret": "DYNDNS"},
            "login": "ada",
            "server": "dynupdate.example.org:443",
            "zone": "example.org",
            "page": "https://ip.example.org/",
        },
    },
    "download": {
        "data": {"url": "https://example.org/data", "to": "/opt/data", "sha256": "0" * 64}
    },
    "user": {
        "alice": {
            "gpus": [0],
            "groups": ["research"],
            "envs": ["fastai"],
            "quota": "200 GB",
            "ssh_keys": [SSH_KEY],
        }
    },
    "mirrors": {
        "pypi": "https://example.org/simple",
        "apt": "https://example.org/{distribution}",
        "dnf": "https://example.org/dnf",
        "conda": "https://example.org/conda",
        "nvidia": "https://example.org/nvidia",
        "files": "https://example.org/files",
        "images": "example.org:5000/images",
        "seed": "https://example.org/seed",
    },
    "index": {
        "cu118": {"url": "https://example.org/cu118"},
        "own": {"url": "https://example.org/simple", "packages": ["pillow-*"]},
    },
    "check": {"ignore": ["RS302"]},
}

# What may be written shorter.
SHORT: dict[str, Any] = {
    "rig": 1,
    "name": "short",
    "machine": {
        "tower": {
            "os": "ubuntu 16.04",
            "driver": ">=384.81",
            "cpu": "AMD 1900X",
            "gpus": [{"model": "K80"}],
            "case": {"model": "Corsair 760T", "gpu_clearance": "450 mm"},
        }
    },
    "cuda": {"toolkit": "9.0", "cudnn": "7"},
    "env": {"fastai": {"python": "3.6", "interpreter": "conda"}},
}

# A framework and a package by build, and cards by name.
BUILDS: dict[str, Any] = {
    "rig": 1,
    "name": "builds",
    "machine": {"tower": {"os": "ubuntu 24.04", "gpus": ["RTX 4090"]}},
    "env": {
        "lab": {
            "python": "3.12",
            "frameworks": {"torch": {"version": "2.4.1", "build": "cu121"}},
            "packages": {
                "mamba-ssm": {"version": "2.2.2", "build": "cu122torch2.4cxx11abiFALSE"},
                "tool-two": {
                    "git": "https://git.example.org/tool-two",
                    "rev": "b1e07d1bce5b8a8b7aafc9dc4968c5c4747d5473",
                    "subdirectory": "lib",
                    "version": "1.0",
                    "requires": ["torch>=2"],
                },
                "tool": {
                    "url": "https://files.example.org/tool-1.0-py3-none-any.whl",
                    "sha256": "0" * 64,
                },
            },
        }
    },
}

# A service that the system of `whole` has no packages for.
MONITORED: dict[str, Any] = {
    "rig": 1,
    "name": "monitored",
    "machine": {"tower": {"os": "ubuntu 24.04"}},
    "service": {
        "monitoring": {
            "machines": ["tower"],
            "exporters": ["node"],
            "address": "127.0.0.1",
            "prometheus": {"address": "127.0.0.1"},
        },
    },
}

# An environment that takes its packages from another file.
FROM_FILE: dict[str, Any] = {
    "rig": 1,
    "name": "from-file",
    "machine": {"tower": {"os": "nixos 24.05", "glibc": "2.39"}},
    "env": {"lab": {"from": "pyproject.toml"}},
}

RIGS: dict[str, dict[str, Any]] = {
    "plain": PLAIN,
    "whole": WHOLE,
    "short": SHORT,
    "builds": BUILDS,
    "monitored": MONITORED,
    "from-file": FROM_FILE,
}
