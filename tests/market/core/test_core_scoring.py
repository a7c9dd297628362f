"""Whatever numbers an answer key has, the market refuses it or scores with it."""

from __future__ import annotations

from contextlib import closing

import pytest
from market_support import REQUESTER, SCHEMAS, Bench, choice, form

from turkctl.market.errors import MarketError

MAPPINGS = {
    "percentage": "<PercentageMapping><MaximumSummedScore>{}</MaximumSummedScore></PercentageMapping>",
    "scale": "<ScaleMapping><SummedScoreMultiplier>{}</SummedScoreMultiplier></ScaleMapping>",
}
NUMBERS = [
    "1e-999999",
    "0." + "0" * 60_000 + "1",
    "1e-9",
    "0.000000001",
    "2147483648",
    "1e9",
    "-1e9",
    "9" * 60_000,
    "sNaN",
]


def key(score: str, mapping: str) -> str:
    option = f"<SelectionIdentifier>red</SelectionIdentifier><AnswerScore>{score}</AnswerScore>"
    return (
        f'<AnswerKey xmlns="{SCHEMAS}2005-10-01/AnswerKey.xsd"><Question><QuestionIdentifier>q</QuestionIdentifier>'
        f"<AnswerOption>{option}</AnswerOption></Question>"
        f"<QualificationValueMapping>{mapping}</QualificationValueMapping></AnswerKey>"
    )


@pytest.mark.parametrize("kind", MAPPINGS)
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("score", ["2147483647", "-2147483647", "0.000000001"])
def test_an_answer_key_is_refused_or_gives_an_integer_of_32_bits(kind: str, number: str, score: str):
    bench = Bench()
    with closing(bench.market):
        request = {
            "Name": "n", "Description": "d", "QualificationTypeStatus": "Active", "TestDurationInSeconds": 60,
            "Test": form(choice("q", "red", "blue")), "AnswerKey": key(score, MAPPINGS[kind].format(number)),
        }  # fmt: skip
        try:
            made = bench.market.create_qualification_type(REQUESTER, request)["QualificationType"]
        except MarketError:
            return
        asked = bench.market.request_qualification(
            "production", bench.worker(), made["QualificationTypeId"], {"q": "red"}
        )
        assert abs(asked["IntegerValue"]) < 2**31
