"""The kinds of steps of a plan, independent of the language of a target.

Steps do not depend on product names. A kind is a folder with its class, its shell (``step.sh``,
``remove.sh``), the checks of doctor (``doctor.py``), and the templates that a target uses instead
of the shell (``docker.j2``, ``ansible.j2``). ``registry`` finds them.
"""

from __future__ import annotations

from rigspec.plan.steps.access import AccessStep
from rigspec.plan.steps.apt_packages import AptPackage, AptPackagesStep
from rigspec.plan.steps.apt_repository import AptRepositoryStep
from rigspec.plan.steps.apt_source import AptSourceStep
from rigspec.plan.steps.archive import ArchiveStep
from rigspec.plan.steps.base import (
    ChecksumIndex,
    ImagePhase,
    Scope,
    Step,
    StepFact,
    StepFile,
    build_call,
)
from rigspec.plan.steps.certificate import CertificateStep
from rigspec.plan.steps.dnf_host_packages import DnfHostPackagesStep
from rigspec.plan.steps.dnf_packages import DnfPackage, DnfPackagesStep
from rigspec.plan.steps.dnf_repository import DnfRepositoryStep
from rigspec.plan.steps.download import DownloadStep
from rigspec.plan.steps.environment import EnvironmentStep
from rigspec.plan.steps.environment_variables import EnvironmentVariablesStep
from rigspec.plan.steps.file import FileStep
from rigspec.plan.steps.group import GroupStep
from rigspec.plan.steps.host_packages import HostPackagesStep
from rigspec.plan.steps.installer import InstallerStep
from rigspec.plan.steps.kernel_arguments import KernelArgumentsStep
from rigspec.plan.steps.package_build import PackageBuildStep
from rigspec.plan.steps.platform import PlatformStep
from rigspec.plan.steps.quota import QuotaStep
from rigspec.plan.steps.reboot import RebootStep
from rigspec.plan.steps.secret import SecretStep
from rigspec.plan.steps.service import ServiceStep
from rigspec.plan.steps.source_build import SourceBuildStep, SourceRename
from rigspec.plan.steps.user import UserStep
from rigspec.plan.steps.variables import Variable, VariablesStep
from rigspec.plan.steps.verify import Check, VerifyStep

__all__ = [
    "AccessStep",
    "AptPackage",
    "AptPackagesStep",
    "AptRepositoryStep",
    "AptSourceStep",
    "ArchiveStep",
    "CertificateStep",
    "Check",
    "ChecksumIndex",
    "DnfHostPackagesStep",
    "DnfPackage",
    "DnfPackagesStep",
    "DnfRepositoryStep",
    "DownloadStep",
    "EnvironmentStep",
    "EnvironmentVariablesStep",
    "FileStep",
    "GroupStep",
    "HostPackagesStep",
    "ImagePhase",
    "InstallerStep",
    "KernelArgumentsStep",
    "PackageBuildStep",
    "PlatformStep",
    "QuotaStep",
    "RebootStep",
    "Scope",
    "SecretStep",
    "ServiceStep",
    "SourceBuildStep",
    "SourceRename",
    "Step",
    "StepFact",
    "StepFile",
    "UserStep",
    "Variable",
    "VariablesStep",
    "VerifyStep",
    "build_call",
]
