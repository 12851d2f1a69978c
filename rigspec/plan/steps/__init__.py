"""The kinds of steps of a plan, independent of the language of a target.

Steps do not depend on product names. Templates distinguish cases by the fields defined here.
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
    SourceBuild,
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
    "SourceBuild",
    "Step",
    "User",
    "Variable",
    "Variables",
    "Verify",
]
