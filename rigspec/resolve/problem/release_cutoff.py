"""Release cutoff: upload days of releases as rules about an environment's `as_of`."""

from __future__ import annotations

import datetime as dt

from rigspec.matrix.model import Condition, Product, Rule, Upload
from rigspec.matrix.uploads import load_uploads
from rigspec.resolve.components import NOTHING
from rigspec.resolve.problem.domains import Candidate, CandidateDomain
from rigspec.resolve.problem.model import BoundRule, Component, RuleTable

__all__ = ["AS_OF", "build_day_component", "convert_to_version", "list_releases_after"]

# The key of the spec, and the component that its day is.
AS_OF = "as_of"

_CODE = "RS234"


def convert_to_version(day: dt.date) -> str:
    """Return a day as a version that requests can match: ``2018.07.01``."""
    return f"{day:%Y.%m.%d}"


def build_day_component(key: str, env: str, day: dt.date) -> Component:
    """Return the environment's day as a component: that day, or none without the line."""
    universe = CandidateDomain([Candidate(None, convert_to_version(day)), Candidate(None, NOTHING)])
    return Component(key, AS_OF, AS_OF, universe, universe.all, env)


def list_releases_after(product: Product, key: str, as_of: str, day: dt.date) -> RuleTable:
    """Return rules for releases uploaded later: each requires a later day, or none.

    ``key`` and ``as_of`` are the keys of the framework and of the day. A release with an
    unknown day is not restricted.
    """
    rows = []
    for upload in load_uploads(product.name):
        if upload.day > day:
            rule = _rule(product, upload)
            when = ((key, rule.when[0].alternatives),)
            rows.append(BoundRule(rule, when, (as_of, rule.requires.alternatives)))
    return RuleTable(f"{as_of}:{product.name}", tuple(rows))


def _rule(product: Product, upload: Upload) -> Rule:
    release = Candidate(upload.package if product.families else None, upload.version)
    return Rule(
        id=f"{upload.package}-{upload.version}/{AS_OF}",
        table=f"{product.name}/{AS_OF}",
        code=_CODE,
        when=(Condition(product.name, (release.exactly,)),),
        requires=Condition(AS_OF, (f">={convert_to_version(upload.day)}", NOTHING)),
        statement=f"{upload.package} {upload.version} was uploaded on {upload.day.isoformat()}",
        failure_message="No matching distribution found",
        sources=(upload.source,),
        confidence="high",
    )
