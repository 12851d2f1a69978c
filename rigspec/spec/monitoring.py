"""``[service.monitoring]``: what tells how the machine fares, and what keeps it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from rigspec.spec.fields import Address, Many, Port, Table

__all__ = ["Monitoring", "Prometheus"]

Exporter = Literal["node", "gpu"]


class Prometheus(Table):
    """A Prometheus that keeps what the exporters tell."""

    port: Port = Field(default=9090, description="The port it listens on.")
    address: Address = Field(default="127.0.0.1", description="Where it listens.")
    interval: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=15, description="How often it asks, in seconds."
    )


class Monitoring(Table):
    """Exporters of the machine's own figures."""

    exporters: Many[Exporter] = Field(
        default=("node",),
        description="`node` tells of the machine; `gpu` of its GPUs, through the same exporter.",
    )
    port: Port = Field(default=9100, description="The port the exporter listens on.")
    address: Address = Field(default="127.0.0.1", description="Where it listens.")
    prometheus: bool | Prometheus = Field(
        default=False, description="Whether a Prometheus on the machine keeps the figures."
    )

    @property
    def keeper(self) -> Prometheus | None:
        """The Prometheus that was asked for."""
        if isinstance(self.prometheus, bool):
            return Prometheus() if self.prometheus else None
        return self.prometheus

    @model_validator(mode="after")
    def _has_exporters(self) -> "Monitoring":
        if not self.exporters:
            raise ValueError('name what to tell of: `exporters = ["node", "gpu"]`')
        return self
