"""Steps for the banner: its file, and a symbolic link to it."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec_symlink import SymlinkStep

from rigspec.plan.services.base import Service, ServiceContext
from rigspec.plan.steps import Check, FileStep, Step

__all__ = ["BannerService"]


class BannerService(Service):
    """A text that is shown before log-in."""

    name = "banner"
    summary = "shows a text before log-in"
    programs = "getty"

    def build_steps(self, context: ServiceContext) -> Iterator[Step]:
        """Yield the file and the link."""
        if not self.is_locked(context.locked):
            return
        table = context.get_table(self.name)
        yield FileStep(
            id="banner",
            title="Banner",
            layer="banner",
            path=table.path,
            content=self.read_file("frame.txt").format(text=table.text),
        )
        yield SymlinkStep(
            id="banner-link",
            title="Link to the banner",
            layer="banner",
            path=f"{table.path}.link",
            target=table.path,
            needs=("banner",),
        )

    def build_checks(self, context: ServiceContext) -> Iterator[Check]:
        """Yield a check of the text."""
        if self.is_locked(context.locked):
            table = context.get_table(self.name)
            yield Check(
                title="banner",
                command=("grep", "-c", "-F", "-e", table.text, f"{table.path}.link"),
                expect="1",
                layer="banner",
            )
