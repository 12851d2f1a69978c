"""Seeds in private buckets: the first boot reads them with the role of the instance."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import create_template_environment
from rigspec.backend.size_limits import Seed
from rigspec.cli.common.written_targets import WrittenTarget, describe_targets
from rigspec.fs.atomic_tree import OutputFile
from tests.lock.http_server import Serve, send

CONTENT = b"#!/bin/sh\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
ROLE = {"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "secret", "Token": "session"}


def script(url: str) -> str:
    """The program that user-data contains for a seed."""
    backend = next(each for each in find_backends() if each.name == "cloud-init")
    template = create_template_environment(backend).get_template("fetch-seed.py.j2")
    return template.render(seed=Seed(url, DIGEST))


def run(folder: Path, url: str, replaced: dict[str, str]) -> bytes:
    """What the program writes, with these addresses instead of those of the cloud."""
    text = script(url).replace("ATTEMPTS = 10", "ATTEMPTS = 1")
    for before, after in replaced.items():
        assert before in text
        text = text.replace(before, after)
    program = folder / "fetch.py"
    program.write_text(text, encoding="utf-8")
    target = folder / "seed.sh"
    done = subprocess.run(
        [sys.executable, program, url, DIGEST, target], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target.read_bytes()


def test_seed_in_google_bucket_is_read_with_token_of_service_account(
    serve: Serve, tmp_path: Path
) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path == "/meta/service-accounts/default/token":
            assert request.headers["Metadata-Flavor"] == "Google"
            send(request, json.dumps({"access_token": "ticket"}).encode())
        elif request.headers["Authorization"] == "Bearer ticket":
            send(request, CONTENT if request.path == "/bucket/rigs/seed.sh" else b"")
        else:
            send(request, b"", 401)

    address = f"http://{serve(answer)}"
    replaced = {
        "http://metadata.google.internal/computeMetadata/v1/instance": f"{address}/meta",
        "https://storage.googleapis.com": address,
    }
    assert run(tmp_path, "gs://bucket/rigs/seed.sh", replaced) == CONTENT


def test_seed_in_s3_bucket_is_read_with_role_of_instance(serve: Serve, tmp_path: Path) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        pages = {
            "/meta/meta-data/placement/region": b"eu-west-1",
            "/meta/meta-data/iam/security-credentials/": b"rig",
            "/meta/meta-data/iam/security-credentials/rig": json.dumps(ROLE).encode(),
        }
        signed = request.headers.get("Authorization", "")
        if request.command == "PUT" and request.path == "/meta/api/token":
            send(request, b"ticket")
        elif request.path in pages and request.headers["X-aws-ec2-metadata-token"] == "ticket":
            send(request, pages[request.path])
        elif request.path == "/bucket/rigs/seed.sh" and "/eu-west-1/s3/aws4_request" in signed:
            assert request.headers["x-amz-security-token"] == "session"
            send(request, CONTENT)
        else:
            send(request, b"", 403)

    address = f"http://{serve(answer)}"
    replaced = {
        "http://169.254.169.254/latest": f"{address}/meta",
        "https://s3.%s.amazonaws.com": address,
    }
    assert run(tmp_path, "s3://bucket/rigs/seed.sh", replaced) == CONTENT


def test_s3_signature_is_that_of_botocore() -> None:
    """The expected signature was computed by botocore 1.44.8 (`S3SigV4Auth`)."""
    text = script("s3://bucket/rigs/seed.sh").partition("sys.exit(")[0]
    names: dict[str, Any] = {}
    exec(text, names)  # the program of user-data
    headers = names["authorize"](
        "s3.eu-west-1.amazonaws.com", "/bucket/rigs/a%2Bb.sh", "eu-west-1", ROLE, "20261129T030000Z"
    )
    assert headers["Authorization"].partition("Signature=")[2] == (
        "57bd192123dffc86ea407c0990f7204d32c7e8c27acc7c62410dcadc4671b096"
    )


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        ("s3://bucket/rigs", "aws s3 cp out/cloud-init/seed/1.sh s3://bucket/rigs/"),
        ("gs://bucket/rigs/", "gcloud storage cp out/cloud-init/seed/1.sh gs://bucket/rigs/"),
        ("https://files.example.org/rigs", None),
    ],
)
def test_compile_prints_upload_command_of_bucket(seed: str, expected: str | None) -> None:
    files = (OutputFile("seed/1.sh", CONTENT, 0o644), OutputFile("user-data", b"", 0o644))
    target = WrittenTarget("cloud-init", "cloud-init user-data", files, (), seed)
    lines = list(describe_targets([target], Path("out"), frozenset(), "count"))
    uploads = [line.partition("upload: ")[2] for line in lines if "upload: " in line]
    assert uploads == ([expected] if expected else [])
