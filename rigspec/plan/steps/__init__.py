"""The kinds of steps of a plan, independent of the language of a target.

Steps do not depend on product names. Templates distinguish cases by the fields defined here.
"""

from __future__ import annotations

from rigspec.plan.steps.accounts import AccessStep, GroupStep, QuotaStep, UserStep
from rigspec.plan.steps.base import Scope, Step
from rigspec.plan.steps.files import (
    CertificateStep,
    EnvironmentVariablesStep,
    FileStep,
    SecretStep,
    Variable,
    VariablesStep,
)
from rigspec.plan.steps.packages import (
    AptPackage,
    AptPackagesStep,
    AptRepositoryStep,
    AptSourceStep,
    ArchiveStep,
    DownloadStep,
    EnvironmentStep,
    HostPackagesStep,
    InstallerStep,
    SourceBuildStep,
)
from rigspec.plan.steps.system import (
    Check,
    KernelArgumentsStep,
    PlatformStep,
    RebootStep,
    ServiceStep,
    VerifyStep,
)

__all__ = [
    "AccessStep",
    "AptPackage",
    "AptPackagesStep",
    "AptRepositoryStep",
    "AptSourceStep",
    "ArchiveStep",
    "CertificateStep",
    "Check",
    "DownloadStep",
    "EnvironmentStep",
    "EnvironmentVariablesStep",
    "FileStep",
    "GroupStep",
    "HostPackagesStep",
    "InstallerStep",
    "KernelArgumentsStep",
    "PlatformStep",
    "QuotaStep",
    "RebootStep",
    "Scope",
    "SecretStep",
    "ServiceStep",
    "SourceBuildStep",
    "Step",
    "UserStep",
    "Variable",
    "VariablesStep",
    "VerifyStep",
]
