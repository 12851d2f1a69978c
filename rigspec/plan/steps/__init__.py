"""The steps of a plan: what is to be done, never how it is written in some language.

A step knows no product by name. What a template needs to tell two cases apart is a field here.
"""

from __future__ import annotations

from rigspec.plan.steps.accounts import Access, Group, Quota, User
from rigspec.plan.steps.base import Scope, Step
from rigspec.plan.steps.files import (
    Certificate,
    EnvironmentVariables,
    File,
    Secret,
    Variable,
    Variables,
)
from rigspec.plan.steps.packages import (
    AptPackage,
    AptPackages,
    AptRepository,
    AptSource,
    Archive,
    Download,
    Environment,
    HostPackages,
    Installer,
)
from rigspec.plan.steps.system import Check, KernelArguments, Platform, Reboot, Service, Verify

__all__ = [
    "Access",
    "AptPackage",
    "AptPackages",
    "AptRepository",
    "AptSource",
    "Archive",
    "Certificate",
    "Check",
    "Download",
    "Environment",
    "EnvironmentVariables",
    "File",
    "Group",
    "HostPackages",
    "Installer",
    "KernelArguments",
    "Platform",
    "Quota",
    "Reboot",
    "Scope",
    "Secret",
    "Service",
    "Step",
    "User",
    "Variable",
    "Variables",
    "Verify",
]
