"""What the tests of bundles share with those of locks."""

from tests.lock.conftest import buildah, container_tools, host

__all__ = ["buildah", "container_tools", "host"]
