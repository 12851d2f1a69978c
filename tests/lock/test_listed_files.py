"""Files that an index lists, for one interpreter."""

from __future__ import annotations

import json

import pytest
from packaging.version import Version
from unearth import TargetPython

from rigspec.lock.errors import LockError
from rigspec.lock.python.index.client import create_package_finder
from rigspec.lock.python.index.links import FileFilter
from rigspec.lock.python.index.listed_files import JsonPage, ListedFile


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


@pytest.mark.parametrize(
    ("filename", "project", "version"),
    [
        ("functools32-3.2.3-2.tar.gz", "functools32", "3.2.3.post2"),
        ("tool-1.0-rc1.zip", "tool", "1.0rc1"),
        ("zope-2-1.0.tar.gz", "zope-2", "1.0"),
        ("py-2-3.tar.gz", "py-2", "3"),
    ],
)
def test_source_archive_with_hyphen_in_its_version_is_admitted(
    filename: str, project: str, version: str
) -> None:
    files = FileFilter(create_package_finder(URL, TargetPython(py_ver=(2, 7))))
    listed = ListedFile(filename, URL + filename, URL, None, None, ())
    package = files.admit(project, listed, yanked=False)
    assert package is not None
    assert package.version == version
    page = JsonPage(project, json.dumps({"files": [{"filename": filename, "url": filename}]}), URL)
    assert [file.filename for file in page.of_version(Version(version))] == [filename]


URL = "https://files.example.org/"
WHEEL, SDIST = "tool-1.0-py3-none-any.whl", "tool-1.0.tar.gz"
# In the order of PyPI, with objects before the name, and a brace in a text.
ENTRIES = (
    {"core-metadata": {"sha256": "1"}, "filename": SDIST, "hashes": {"sha256": "0"}, "url": SDIST},
    {"filename": "tool-1.0.0.zip", "url": f"{URL}tool-1.0.0.zip", "yanked": 'broken "}{'},
    {"size": 3, "upload-time": "2020-01-01T00:00:00Z", "filename": WHEEL, "url": URL + WHEEL},
    {"filename": "tool-1.1.tar.gz", "requires-python": ">=3.8", "url": f"{URL}tool-1.1.tar.gz"},
    {"filename": "tool-1.0.tgz", "url": ""},
)


@pytest.mark.parametrize("indent", [None, 2])
def test_json_page_gives_files_of_a_version(indent: int | None) -> None:
    page = JsonPage("tool", json.dumps({"files": ENTRIES}, indent=indent), URL)
    assert page.is_readable
    found = list(page.of_version(Version("1")))
    assert {file.filename for file in found} == {WHEEL, SDIST, "tool-1.0.0.zip"}
    assert set(found) == {file for file in page if file.version == Version("1")}
    by_name = {file.filename: file for file in found}
    assert by_name[SDIST].url == URL + SDIST
    assert by_name[SDIST].hashes == (("sha256", "0"),)
    assert by_name["tool-1.0.0.zip"].yanked == 'broken "}{'
    assert by_name[WHEEL].uploaded == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        '{"files": []}',
        '{"files": ["filename"]}',
        '{"files": {"filename": "tool-1.0.tar.gz", "url": "x"}}',
        '{"urls": [{"filename": "tool-1.0.tar.gz", "url": "x"}]}',
        # Cut off, and with a name that only a parser reads.
        '{"files": [{"filename": "tool-1.0.tar.gz", "url": "x"}',
        '{"files": [{"filename": "tool\\u002d1.0.tar.gz", "url": "x"}]}',
    ],
)
def test_json_page_without_plain_names_is_not_scanned(text: str) -> None:
    assert not JsonPage("tool", text, URL).is_readable


@pytest.mark.parametrize(
    "entry",
    [
        '{"filename": "tool-1.0.tar.gz", "url": 3}',
        '{"filename": "tool-1.0.tar.gz", "url": "x", "hashes": 3}',
    ],
)
def test_damaged_entry_of_page_is_a_fault(entry: str) -> None:
    page = JsonPage("tool", f'{{"files": [{entry}]}}', URL)
    assert page.is_readable
    with pytest.raises(LockError, match=r"list of tool .* files.example.org") as failure:
        list(page.of_version(Version("1.0")))
    assert failure.value.status == 3
