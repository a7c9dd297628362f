"""Differences between two versions of settings, as people read them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.operations.project.differences import changed_keys, in_words, shown


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"reward": "0.10", "title": "A b"}, {"reward": "0.20", "title": "A c"}, "reward 0.10 -> 0.20, title changed"),
        ({"auto_approval_delay": "3d"}, {"auto_approval_delay": "1d"}, "auto approval delay 3d -> 1d"),
        ({"limits": {"budget": None}}, {"limits": {"budget": "5.00"}}, "limits budget 5.00 added"),
        ({"limits": {"budget": "5.00"}}, {"limits": {"budget": None}}, "limits budget 5.00 removed"),
        ({"placeholders": True}, {"placeholders": False}, "placeholders yes -> no"),
        ({"frame_height": 0}, {"frame_height": 600}, "frame height 0 -> 600"),
        ({"qualifications": {}}, {"qualifications": {"locale": ["US"]}}, "qualifications locale US added"),
        ({"keywords": ["a"]}, {"keywords": ["a", "b"]}, "keywords changed"),
        ({"keywords": ["a"]}, {"keywords": []}, "keywords a removed"),
        ({"template": "<p>" * 400}, {"template": "<b>" * 400}, "template changed"),
        ({"template": None}, {"template": "<b>" * 400}, "template added"),
        ({"active": False}, {"active": True}, "in use again"),
        ({"title": "A"}, {"title": "A"}, ""),
    ],
)
def test_what_changed_is_said_in_words(old: dict[str, Any], new: dict[str, Any], words: str) -> None:
    assert in_words(shown(changed_keys(old, new))) == words


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab_", min_size=1), inner, max_size=3),
    max_leaves=6,
)
TABLES = st.dictionaries(st.text("abc_", min_size=1), VALUES, max_size=4)


@given(TABLES, TABLES)
def test_the_words_are_one_line_without_json(old: dict[str, Any], new: dict[str, Any]) -> None:
    differences = changed_keys(old, new)
    words = in_words(shown(differences))
    assert len(words.splitlines()) <= 1 or any("\u2028" in str(each) for each in (old, new))
    assert bool(words) == bool(differences)
