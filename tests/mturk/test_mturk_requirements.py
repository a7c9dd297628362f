"""Qualification requirements: the settings' form and the API's say the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkctl.errors import ConfigError
from turkctl.model import service_model
from turkctl.mturk.requirements import (
    ADULT,
    HITS_APPROVED,
    LOCALE,
    MASTERS,
    PERCENT_APPROVED,
    ask_for_masters,
    from_api,
    to_api,
)

TYPE_ID = st.text("ABCDEF0123456789", min_size=21, max_size=30)
PLACES = st.lists(st.sampled_from(["CA", "DE", "US", "US-CA", "US-NY"]), min_size=1, unique=True)
INTEGERS = st.integers(-1000, 1000)
CUSTOM = st.one_of(
    st.fixed_dictionaries({"type": TYPE_ID, "comparator": st.just("Exists")}),
    st.fixed_dictionaries(
        {
            "type": TYPE_ID,
            "comparator": st.sampled_from(["LessThan", "GreaterThanOrEqualTo", "EqualTo", "NotEqualTo"]),
            "values": st.lists(INTEGERS, min_size=1, max_size=1),
        },
        optional={"guard": st.sampled_from(["PreviewAndAccept", "DiscoverPreviewAndAccept"])},
    ),
    st.fixed_dictionaries(
        {
            "type": TYPE_ID,
            "comparator": st.sampled_from(["In", "NotIn"]),
            "values": st.lists(INTEGERS, min_size=1, max_size=15),
        }
    ),
    st.fixed_dictionaries({"type": st.just(LOCALE), "comparator": st.just("NotIn"), "values": PLACES}),
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "locale": PLACES,
        "percent_approved": st.integers(0, 100),
        "hits_approved": st.integers(0, 10_000),
        "masters": st.just(True),
        "adult": st.just(True),
        "absent": st.lists(TYPE_ID, min_size=1, max_size=2),
        "custom": st.lists(CUSTOM, min_size=1, max_size=3),
    },
)


@given(settings=SETTINGS, environment=st.sampled_from(["production", "sandbox"]))
def test_settings_survive_the_way_to_the_api_and_back(settings: dict[str, Any], environment: Any) -> None:
    assert from_api(to_api(settings, environment)) == settings


@given(settings=SETTINGS)
def test_requirements_have_only_members_and_values_of_the_service_model(settings: dict[str, Any]) -> None:
    shapes = service_model()["shapes"]
    shape = shapes["QualificationRequirement"]
    for requirement in to_api(settings, "production"):
        assert set(shape["required"]) <= set(requirement) <= set(shape["members"])
        assert requirement["Comparator"] in shapes["Comparator"]["enum"]
        assert requirement.get("ActionsGuarded", "Accept") in shapes["HITAccessActions"]["enum"]


def test_the_form_of_the_settings_file_in_full() -> None:
    settings = {
        "locale": ["US", "ca"],
        "percent_approved": 95,
        "hits_approved": 100,
        "masters": True,
        "adult": True,
        "absent": ["3SEEN"],
        "custom": [{"type": "3SKILL", "comparator": "GreaterThan", "values": [50]}],
    }
    assert to_api(settings, "production") == [
        {
            "QualificationTypeId": "00000000000000000071",
            "Comparator": "In",
            "LocaleValues": [{"Country": "US"}, {"Country": "CA"}],
        },
        {
            "QualificationTypeId": "000000000000000000L0",
            "Comparator": "GreaterThanOrEqualTo",
            "IntegerValues": [95],
        },
        {
            "QualificationTypeId": "00000000000000000040",
            "Comparator": "GreaterThanOrEqualTo",
            "IntegerValues": [100],
        },
        {"QualificationTypeId": "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "Comparator": "Exists"},
        {"QualificationTypeId": "00000000000000000060", "Comparator": "EqualTo", "IntegerValues": [1]},
        {"QualificationTypeId": "3SEEN", "Comparator": "DoesNotExist"},
        {"QualificationTypeId": "3SKILL", "Comparator": "GreaterThan", "IntegerValues": [50]},
    ]


def test_the_masters_type_is_another_in_the_sandbox() -> None:
    assert to_api({"masters": True}, "sandbox")[0]["QualificationTypeId"] == "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"


def test_what_is_off_or_empty_asks_for_nothing() -> None:
    off = {"locale": [], "percent_approved": None, "hits_approved": None, "masters": False, "adult": False}
    assert to_api({**off, "absent": [], "custom": []}, "production") == []
    assert from_api([]) == {}


@pytest.mark.parametrize("locale", ["US", ["US"], ["US", "us "]])
def test_one_country_is_equal_to_since_in_is_for_several(locale: Any) -> None:
    assert to_api({"locale": locale}, "production") == [
        {"QualificationTypeId": LOCALE, "Comparator": "EqualTo", "LocaleValues": [{"Country": "US"}]}
    ]


def test_states_of_the_us_are_subdivisions() -> None:
    places = to_api({"locale": "us-ca, DE"}, "production")[0]["LocaleValues"]
    assert places == [{"Country": "US", "Subdivision": "CA"}, {"Country": "DE"}]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"percent": 95}, "percent"),
    ({"locale": ["USA"]}, "locale"),
    ({"locale": ["DE-BY"]}, "locale"),
    ({"locale": [5]}, "locale"),
    ({"locale": [["US"]]}, "locale"),
    ({"locale": 5}, "locale"),
    ({"locale": [f"{a}{b}" for a in "ABCDEF" for b in "ABCDEF"]}, "locale"),
    ({"percent_approved": 101}, "percent_approved"),
    ({"percent_approved": -1}, "percent_approved"),
    ({"percent_approved": "95"}, "percent_approved"),
    ({"percent_approved": 95.5}, "percent_approved"),
    ({"hits_approved": True}, "hits_approved"),
    ({"hits_approved": 2**31}, "hits_approved"),
    ({"masters": 1}, "masters"),
    ({"adult": "yes"}, "adult"),
    ({"absent": "3Q"}, "absent"),
    ({"absent": ["3Q", "3q"]}, r"absent\[1\]"),
    ({"absent": [["3Q"]]}, r"absent\[0\]"),
    ({"custom": {"type": "3Q"}}, "custom"),
    ({"custom": ["3Q"]}, r"custom\[0\]"),
    ({"custom": [{"type": "3Q"}]}, r"custom\[0\].comparator"),
    ({"custom": [{"comparator": "Exists"}]}, r"custom\[0\].type"),
    ({"custom": [{"type": "3Q", "comparator": ">"}]}, r"custom\[0\].comparator"),
    ({"custom": [{"type": "3Q", "comparator": ["In"]}]}, r"custom\[0\].comparator"),
    ({"custom": [{"type": "3Q", "comparator": "Exists", "values": [1]}]}, r"custom\[0\].values"),
    ({"custom": [{"type": "3Q", "comparator": "EqualTo"}]}, r"custom\[0\].values"),
    ({"custom": [{"type": "3Q", "comparator": "EqualTo", "values": [1, 2]}]}, r"custom\[0\].values"),
    ({"custom": [{"type": "3Q", "comparator": "In", "values": []}]}, r"custom\[0\].values"),
    ({"custom": [{"type": "3Q", "comparator": "In", "values": list(range(16))}]}, r"custom\[0\].values"),
    ({"custom": [{"type": "3Q", "comparator": "In", "values": ["US", 5]}]}, r"custom\[0\].values"),
    ({"custom": [{"type": "3Q", "comparator": "Exists", "value": 1}]}, r"custom\[0\].value"),
    ({"custom": [{"type": "3Q", "comparator": "Exists", "guard": "Look"}]}, r"custom\[0\].guard"),
    ({"absent": [f"3Q{number}" for number in range(11)]}, ": 11 requirements"),
]


@pytest.mark.parametrize(("settings", "key"), BAD)
def test_a_bad_value_is_refused_by_its_key(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=f"experiments.stroop.qualifications.?{key}"):
        to_api(settings, "production", key="experiments.stroop.qualifications")


@given(
    keys=st.dictionaries(
        st.sampled_from(["locale", "percent_approved", "hits_approved", "masters", "adult", "absent", "custom", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["type", "comparator", "values", "guard"]), inner)
            ),
            max_leaves=5,
        ),
    )
)
def test_no_value_of_a_settings_file_is_anything_but_read_or_refused(keys: dict[str, Any]) -> None:
    try:
        requirements = to_api(keys, "production")
    except ConfigError:
        return
    assert len(requirements) <= 10


def test_what_the_short_keys_cannot_say_is_custom() -> None:
    requirements = [
        {"QualificationTypeId": PERCENT_APPROVED, "Comparator": "GreaterThanOrEqualTo", "IntegerValues": [95]},
        {"QualificationTypeId": PERCENT_APPROVED, "Comparator": "GreaterThanOrEqualTo", "IntegerValues": [90]},
        {"QualificationTypeId": HITS_APPROVED, "Comparator": "LessThan", "IntegerValues": [10]},
        {"QualificationTypeId": ADULT, "Comparator": "EqualTo", "IntegerValues": [0]},
        {
            "QualificationTypeId": "3Q",
            "Comparator": "DoesNotExist",
            "ActionsGuarded": "DiscoverPreviewAndAccept",
            "RequiredToPreview": True,
        },
    ]
    assert from_api(requirements) == {
        "percent_approved": 95,
        "custom": [
            {"type": PERCENT_APPROVED, "comparator": "GreaterThanOrEqualTo", "values": [90]},
            {"type": HITS_APPROVED, "comparator": "LessThan", "values": [10]},
            {"type": ADULT, "comparator": "EqualTo", "values": [0]},
            {"type": "3Q", "comparator": "DoesNotExist", "guard": "DiscoverPreviewAndAccept"},
        ],
    }


def test_masters_cost_more_in_either_environment() -> None:
    for type_id in MASTERS.values():
        assert ask_for_masters([{"QualificationTypeId": type_id, "Comparator": "Exists"}])
        assert not ask_for_masters([{"QualificationTypeId": type_id, "Comparator": "DoesNotExist"}])
    assert not ask_for_masters(to_api({"percent_approved": 95}, "production"))
