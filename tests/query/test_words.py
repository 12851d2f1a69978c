"""Words of a question: names in any order, quoted or not."""

from __future__ import annotations

import shlex

import pytest

from rigspec.query.question import BadQuestion, Question, Requested
from rigspec.query.words import read_words


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("'RTX 5090' vllm", Question(gpu="RTX 5090", requests=(Requested("vllm"),))),
        ("RTX PRO 6000 vllm", Question(gpu="RTX PRO 6000", requests=(Requested("vllm"),))),
        ("'vllm on RTX 5090'", Question(gpu="RTX 5090", requests=(Requested("vllm"),))),
        ("'RTX 5090 vllm'", Question(gpu="RTX 5090", requests=(Requested("vllm"),))),
        ("'RTX 5090 Ti' vllm", Question(gpu="RTX 5090 Ti", requests=(Requested("vllm"),))),
        ("'RTX 9990 Ti' vllm", Question(gpu="RTX 9990 Ti", requests=(Requested("vllm"),))),
        ("vllm on RTX 5090", Question(gpu="RTX 5090", requests=(Requested("vllm"),))),
        ("torch 2.4 on 8x H100", Question("H100", 8, requests=(Requested("torch", "2.4"),))),
        ("gpu_8x_h100_sxm5 torch", Question("h100_sxm5", 8, requests=(Requested("torch"),))),
        ("gpu_1x_gh200", Question("gh200")),
        ("H100 x8 torch==2.4.1", Question("H100", 8, requests=(Requested("torch", "==2.4.1"),))),
        ("2x4090 torch", Question("4090", 2, requests=(Requested("torch"),))),
        ("A100 80GB jax", Question(gpu="A100 80GB", requests=(Requested("jax"),))),
        ("aws g6.xlarge jax", Question(instance="aws g6.xlarge", requests=(Requested("jax"),))),
        ("flash-attn with torch", Question(requests=(Requested("flash-attn"), Requested("torch")))),
        ("torch on Rubin", Question(gpu="Rubin", requests=(Requested("torch"),))),
        ("jax on RTX 9090", Question(gpu="RTX 9090", requests=(Requested("jax"),))),
        ("Rubin torch", Question(gpu="Rubin", requests=(Requested("torch"),))),
        ("mine==1.2 torch", Question(requests=(Requested("mine", "1.2"), Requested("torch")))),
    ],
)
def test_words_name_gpu_and_packages_in_any_order(line: str, question: Question) -> None:
    assert read_words(shlex.split(line)) == question


TORCH = (Requested("torch"),)


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("torch with cuda 12.8", Question(requests=TORCH, cuda="12.8")),
        ("'torch with cuda 12.8'", Question(requests=TORCH, cuda="12.8")),
        ("torch 'cuda 12.8' 'python 3.12'", Question(requests=TORCH, cuda="12.8", python="3.12")),
        (
            "torch 'driver 570 ubuntu 24.04'",
            Question(requests=TORCH, driver="570", os="ubuntu 24.04"),
        ),
        ("torch cuda-12.8", Question(requests=TORCH, cuda="12.8")),
        ("torch 2.9 python3.14", Question(requests=(Requested("torch", "2.9"),), python="3.14")),
        ("torch 'python>=3.12'", Question(requests=TORCH, python=">=3.12")),
        ("torch on RTX 5090 driver 570", Question("RTX 5090", requests=TORCH, driver="570")),
        # 580 is the name of a GeForce, too.
        ("driver 580 GTX 1080 Ti", Question("GTX 1080 Ti", driver="580")),
        ("torch cudnn 9.1 arm64", Question(requests=TORCH, cudnn="9.1", arch="aarch64")),
        ("torch on ubuntu 22.04", Question(requests=TORCH, os="ubuntu 22.04")),
        ("L4 torch on Amazon Linux 2023", Question("L4", requests=TORCH, os="amazon 2023")),
        ("torch on debian", Question(requests=TORCH, os="debian")),
        ("torch on Windows 11", Question(requests=TORCH, os="Windows 11")),
        ("torch with cuda on Rubin", Question("Rubin", requests=TORCH)),
        ("python 3.13", Question(python="3.13")),
    ],
)
def test_words_that_describe_the_machine_are_no_packages(line: str, question: Question) -> None:
    assert read_words(shlex.split(line)) == question


def test_words_with_two_gpus_are_refused() -> None:
    with pytest.raises(BadQuestion, match="cannot check `RTX 4090` and `RTX 3090` together"):
        read_words(["torch", "RTX", "4090", "RTX", "3090"])
