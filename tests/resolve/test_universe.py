"""Sets of releases as integers mean what PEP 440 says they mean."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rigspec.resolve.problem.channels import build_channel_domain
from rigspec.resolve.problem.domains import Candidate, CandidateDomain
from rigspec.resolve.problem.model import matches_any
from rigspec.version_specifiers import InvalidRequest, parse_alternative

NUMBERS = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(lambda n: ".".join(map(str, n)))
VERSIONS = st.builds(
    lambda numbers, end: numbers + end,
    NUMBERS,
    st.sampled_from(["", "", "", ".post1", "rc1", "+cuda9.0", ".dev1"]),
)
CANDIDATES = st.builds(Candidate, st.sampled_from([None, "a", "b"]), VERSIONS)
REQUESTS = st.one_of(
    NUMBERS,
    st.builds(
        lambda operator, version: operator + version,
        st.sampled_from([">=", "<=", "<", ">", "==", "!="]),
        NUMBERS,
    ),
    st.builds(lambda least, below: f">={least},<{below}", NUMBERS, NUMBERS),
    st.builds(lambda version: f"~={version}.1", NUMBERS),
    st.builds(lambda version: f"a {version}", NUMBERS),
    st.sampled_from(["*", "a"]),
)


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(CANDIDATES, max_size=8, unique=True),
    st.lists(REQUESTS, min_size=1, max_size=2).map(tuple),
)
def test_universe_request_agrees_with_packaging(
    candidates: list[Candidate], alternatives: tuple[str, ...]
) -> None:
    universe = CandidateDomain(candidates)
    try:
        for text in alternatives:
            parse_alternative(text)
    except InvalidRequest:
        return
    meant = set(universe.members(universe.mask(alternatives)))
    assert meant == {c for c in candidates if matches_any(alternatives, c)}


def test_word_in_a_universe_is_in_no_range() -> None:
    none, release = Candidate(None, "none"), Candidate(None, "2.4.1")
    universe = CandidateDomain([none, release])
    for text in ("~=2.4", "!=2.3", "==2.4.*"):
        assert [*universe.members(universe.mask((text,)))] == [release]


@pytest.mark.parametrize(
    ("all_known", "found"),
    [
        # Other builds of 2.4.1 may exist in a channel that no table has.
        (False, ["2.4.1+conda.cuda12", "2.6.0", "2.4.1", "2.3.0"]),
        (True, ["2.4.1+conda.cuda12", "2.6.0", "2.3.0"]),
    ],
)
def test_builds_of_channels_come_before_releases_without_a_known_build(
    all_known: bool, found: list[str]
) -> None:
    wheels = [Candidate(None, text) for text in ("2.6.0+cu126", "2.3.0")]
    builds = [Candidate(None, "2.4.1+conda.cuda12")]
    domain = build_channel_domain(CandidateDomain(wheels), ("*",), builds, all_known=all_known)
    assert [candidate.version for candidate in domain.candidates] == found
