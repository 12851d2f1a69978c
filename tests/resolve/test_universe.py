"""Sets of releases as integers mean what PEP 440 says they mean."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
