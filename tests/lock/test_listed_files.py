"""Files that an index lists, for one interpreter."""

from __future__ import annotations

import pytest
from unearth import TargetPython

from rigspec.lock.python.index.client import create_package_finder
from rigspec.lock.python.index.links import FileFilter
from rigspec.lock.python.index.pages import ListedFile


@pytest.mark.parametrize(
    ("tags", "is_admitted"),
    [
        ("py3-none-any", True),
        ("cp312-abi3-manylinux_2_28_x86_64", True),
        ("cp315-cp315-manylinux_2_28_x86_64", False),
        # Old releases of gradio: packaging 26 refuses to parse the tag.
        ("py36+-none-any", False),
        ("py3-none", False),
    ],
)
def test_wheel_with_invalid_tag_is_not_admitted(tags: str, is_admitted: bool) -> None:
    target = TargetPython(
        py_ver=(3, 12), platforms=["manylinux_2_28_x86_64"], abis=["cp312", "abi3"], impl="cp"
    )
    files = FileFilter(create_package_finder("http://127.0.0.1/simple", target))
    name = f"gradio-1.0-{tags}.whl"
    listed = ListedFile(name, f"http://127.0.0.1/{name}", "http://127.0.0.1/", None, None, ())
    assert (files.admit("gradio", listed, yanked=False) is not None) == is_admitted
