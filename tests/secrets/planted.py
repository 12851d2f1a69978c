"""Secrets that were never anybody's, put together here: no scanner takes this file for one."""

from __future__ import annotations

__all__ = ["HARMLESS", "PLANTED"]

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz" * 3

# What it is -> a text with it, in a form that its issuer documents.
PLANTED: dict[str, str] = {
    "private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "aws": "AK" + "IA" + "IOSFODNN7EXAMPL3",
    "github": "gh" + "p_" + _DIGITS[:36],
    "github fine-grained": "github" + "_pat_" + _DIGITS[:60],
    "gitlab": "gl" + "pat-" + _DIGITS[:20],
    "slack": "xo" + "xb-" + "123456789012-abcdefghijkl",
    "slack app": "xa" + "pp-1-A052FGTS2DL-5171572773297-" + _DIGITS[:64],
    "slack hook": "https://hooks.slack.com/ser" + "vices/T0123ABCD/B0123ABCD/" + _DIGITS[:24],
    "google": "AI" + "za" + _DIGITS[:35],
    "hugging face": "h" + "f_" + _DIGITS[:34],
    "anthropic": "sk-" + "ant-api03-" + _DIGITS[:40],
    "openai admin": "sk-" + "admin-" + _DIGITS[:60],
    "docker": "dckr" + "_oat_" + _DIGITS[:30],
    "pypi": "pypi-" + "AgEIcHlwaS5vcmc" + _DIGITS[:60],
    "npm": "np" + "m_" + _DIGITS[:36],
    "stripe": "sk_" + "live_" + _DIGITS[:24],
    "jwt": "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0In0." + _DIGITS[:43],
    "notebook sha1": "sha1:" + "0123456789ab:" + "0123456789" * 4,
    "notebook argon2": "argon2:" + "$argon2id$v=19$m=10240,t=10,p=8$c2FsdA$aGFzaA",
    "crypt": "$6" + "$saltsalt$" + _DIGITS[:86],
    "bcrypt": "$2b" + "$12$" + _DIGITS[:53],
    "address": "https://user:" + "hunter2@index.example.org/simple",
    "address with a token": "https://" + _DIGITS[:20] + "@index.example.org/simple",
    "signed address": "https://example.org/f?X-Amz-" + "Signature=" + _DIGITS[:20],
    "azure": "DefaultEndpointsProtocol=https;Account" + "Key=" + _DIGITS[:86] + "==",
    "header": "curl -H 'Authorization: " + "Bearer " + _DIGITS[:30] + "' example.org",
    "curl": "curl -u alice:" + "hunter2 https://example.org",
    "argument": "jupyter notebook --NotebookApp.token=" + "hunter2hunter2",
    "option": "backup --password " + "hunter2hunter2",
    "variable": "WANDB_API_KEY=" + "hunter2hunter2 python train.py",
}

# What only looks a little like one.
HARMLESS = (
    "sha256:" + "0123456789abcdef" * 4,
    "ubuntu:16.04@sha256:" + "0123456789abcdef" * 4,
    "0123456789abcdef" * 4,
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIESIDTAn2+DwNg1ThRnXshD4bLBoCx+u4wPKa950PVKA alice@desk",
    "AE09FE4BBD223A84B2CCFCE3F60F4B3D7FA2AF80",
    "1.8.0rc2",
    ">=384.81",
    "watch -n 0.5 nvidia-smi",
    "xapp-symbolic-icons",
    "awk '{ print $1$2$6 }' log",
    "jupyter notebook --NotebookApp.password_required=True",
    "jupyter notebook --NotebookApp.token=$TOKEN",
    "jupyter notebook --NotebookApp.token=''",
    "backup --password-file /run/secrets/backup",
    'backup --password "$PASSWORD"',
    "docker run --user 1000:1000 rig",
    "git clone ssh://git@example.org/team/rig",
    "git clone git@example.org:team/rig.git",
    "https://example.org:8443/simple",
    "https://example.org/a@b/c",
    "a tokenizer, the secret of its speed, and basic training",
    "TOKENIZERS_PARALLELISM=false python train.py",
    "htop",
    "sk-learn and xoxo",
)
