"""The services are found through their folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rigspec.plan.services.registry import find_services, render_reference
from rigspec.spec.models.services import Services
from tests.conftest import ROOT


def test_find_services_lists_tables_of_spec_in_their_order() -> None:
    assert list(find_services()) == list(Services.model_fields)


def test_service_reference_is_table_of_all_services(golden: Callable[[Path, str], None]) -> None:
    page = ROOT / "docs" / "reference" / "services.md"
    text = page.read_text(encoding="utf-8")
    golden(page, text[: text.index("| table |")] + render_reference())
