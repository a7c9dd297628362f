"""The few stored settings that are read without validating the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_support import new_study

from turkctl.operations.experiments.stored import settings_of
from turkctl.operations.experiments.terms import terms_of
from turkctl.store import experiments

SETTINGS = (
    "",
    'limits = { budget = "500.00", min_balance = "0.5", max_active_hits = 3, max_total_hits = 9 }',
    'limits = { budget = "$20" }\nqualifications = { masters = true, percent_approved = 95 }',
    "qualifications = { masters = false }",
)


@pytest.mark.parametrize("more", SETTINGS)
def test_terms_are_those_of_the_whole_settings(tmp_path: Path, more: str) -> None:
    with new_study(tmp_path, more=more) as study, study.world.database.read() as session:
        version = experiments.current(session, 1)
        terms, whole = terms_of(version), settings_of(version)
        limits = whole.limits
        assert (terms.budget, terms.min_balance) == (limits.budget, limits.min_balance)
        assert (terms.max_active_hits, terms.max_total_hits) == (limits.max_active_hits, limits.max_total_hits)
        assert terms.masters == bool(whole.qualifications.get("masters"))
