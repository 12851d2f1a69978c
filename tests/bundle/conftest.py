"""What the tests of bundles share with those of locks."""

from tests.lock.conftest import (
    archive,
    box,
    buildah,
    container_tools,
    distribution,
    host,
    keys,
    nvidia,
)

__all__ = ["archive", "box", "buildah", "container_tools", "distribution", "host", "keys", "nvidia"]
