"""The service model: what it lists, that botocore can work with it, and that it agrees with botocore's own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import DataNotFoundError, EndpointProviderError, UnknownServiceError
from botocore.loaders import Loader

from turkctl.model import SEARCH_PATH, own_parts, service_model

API = Path(SEARCH_PATH, "mturk", "2017-01-17")
PLAIN: dict[str, Any] = json.loads((API / "service-2.json").read_text())
"""The model of the API alone, without what our own market adds."""
PROSE = ("documentation", "documentationUrl")


class Raw:
    """What a response's body is read from."""

    def __init__(self, body: io.BytesIO) -> None:
        self.body = body

    def stream(self, **_: Any) -> list[bytes]:
        return [self.body.read()]


def installed(name: str) -> dict[str, Any]:
    """botocore's own file, as long as it has one."""
    try:
        found: dict[str, Any] = Loader().load_service_model("mturk", name)
    except DataNotFoundError:
        pytest.skip("this botocore has no mturk model any more")
    return found


def without_prose(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: without_prose(value) for key, value in node.items() if key not in PROSE or not isinstance(value, str)
        }
    return [without_prose(value) for value in node] if isinstance(node, list) else node


def shape_facts(shape: dict[str, Any]) -> dict[str, Any]:
    """A shape with what has no order put in order."""
    facts: dict[str, Any] = without_prose(shape)
    for unordered in ("required", "enum"):
        if unordered in facts:
            facts[unordered] = sorted(facts[unordered])
    return facts


@pytest.fixture
def without_mturk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A botocore that has dropped mturk: the same data but for that folder."""
    data = tmp_path / "botocore-data"
    data.mkdir()
    for entry in Path(Loader.BUILTIN_DATA_PATH).iterdir():
        if entry.name != "mturk":
            (data / entry.name).symlink_to(entry)
    monkeypatch.setattr(Loader, "BUILTIN_DATA_PATH", str(data))


def new_client(region: str = "us-east-1", **options: Any) -> Any:
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.append(SEARCH_PATH)
    return session.create_client(
        "mturk", region_name=region, aws_access_key_id="key", aws_secret_access_key="secret", **options
    )


def answer_with(client: Any, body: bytes) -> list[Any]:
    """Let every request of a client be answered with this body; gives the list that the requests are put in."""
    asked: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        asked.append(request)
        return AWSResponse(request.url, 200, {"Content-Type": "application/x-amz-json-1.1"}, Raw(io.BytesIO(body)))

    client.meta.events.register_first("before-send.mturk", answer)
    return asked


def test_the_39_operations_are_there() -> None:
    operations = PLAIN["operations"]
    assert len(operations) == 39
    assert all(
        operation["errors"] == [{"shape": "ServiceFault"}, {"shape": "RequestError"}]
        for operation in operations.values()
    )


def test_every_shape_that_is_named_exists_and_every_shape_is_used() -> None:
    model = service_model()
    named = set(json.dumps(model).split('"shape": "')[1:])
    assert {text.split('"')[0] for text in named} == set(model["shapes"])


def test_required_members_are_members() -> None:
    for name, shape in service_model()["shapes"].items():
        assert set(shape.get("required", [])) <= set(shape.get("members", {})), name


def test_no_documentation_text_is_shipped_with_the_model() -> None:
    assert "documentation" not in (API / "service-2.json").read_text()
    assert "documentation" not in (API / "paginators-1.json").read_text()


def test_the_operations_are_those_of_botocores_model() -> None:
    theirs = installed("service-2")["operations"]
    assert PLAIN["operations"] == without_prose(theirs)


def test_the_shapes_are_those_of_botocores_model() -> None:
    theirs = installed("service-2")["shapes"]
    ours = PLAIN["shapes"]
    assert set(ours) == set(theirs)
    for name, shape in theirs.items():
        assert shape_facts(ours[name]) == shape_facts(shape), name


def test_the_metadata_is_that_of_botocores_model() -> None:
    ours = {"signingName": "mturk-requester"}  # botocore falls back to the endpoint prefix, which is the same
    assert PLAIN["metadata"] == {**installed("service-2")["metadata"], **ours}


def test_the_paginators_are_those_of_botocores_model() -> None:
    ours = json.loads((API / "paginators-1.json").read_text())
    assert ours["pagination"] == installed("paginators-1")["pagination"]


def test_operations_and_members_of_our_own_are_added_and_replace_nothing() -> None:
    for section, ours in own_parts().items():
        new = {name: part for name, part in ours.items() if name not in PLAIN[section]}
        grown = {name: part["members"] for name, part in ours.items() if name in PLAIN[section]}
        assert set(grown) == ({"CreateHITRequest", "CreateHITWithHITTypeRequest"} if section == "shapes" else set())
        for name, members in grown.items():
            plain = PLAIN[section][name]
            assert not set(members) & set(plain["members"])
            assert service_model()[section][name] == plain | {"members": plain["members"] | members}
        assert service_model()[section].keys() == (PLAIN[section] | new).keys()
        assert {name: service_model()[section][name] for name in new} == new


def test_clients_with_our_search_path_can_tell_the_items_of_a_hit() -> None:
    client = new_client(endpoint_url="https://market.test")
    asked = answer_with(client, b'{"HIT": {"HITId": "H"}}')
    told = {"Items": ["a"], "KnownItems": ["b"]}
    times = {"LifetimeInSeconds": 60, "AssignmentDurationInSeconds": 60}
    client.create_hit(Title="t", Description="d", Reward="0.01", Question="q", **times, **told)
    assert json.loads(asked[0].body).items() >= told.items()


def test_clients_with_our_search_path_have_our_own_operations() -> None:
    client = new_client(endpoint_url="https://market.test")
    asked = answer_with(client, b'{"Fee": "none", "Unit": "credits", "Extensions": ["gates"]}')
    assert client.get_market_rules()["Extensions"] == ["gates"]
    assert asked[0].headers["X-Amz-Target"] == b"MTurkRequesterServiceV20170117.GetMarketRules"


@pytest.mark.usefixtures("without_mturk")
def test_they_have_them_when_botocore_has_dropped_mturk() -> None:
    assert new_client(endpoint_url="https://market.test").get_market_rules


@pytest.mark.usefixtures("without_mturk")
def test_botocore_alone_cannot_make_a_client_once_it_has_dropped_mturk() -> None:
    with pytest.raises(UnknownServiceError):
        botocore.session.Session().create_client("mturk", region_name="us-east-1")


@pytest.mark.usefixtures("without_mturk")
def test_a_client_can_be_made_and_used_when_botocore_has_dropped_mturk() -> None:
    client = new_client(endpoint_url="https://market.test")
    asked = answer_with(client, b'{"NumResults": 0, "HITs": []}')
    pages = list(client.get_paginator("list_hits").paginate(PaginationConfig={"PageSize": 100}))
    assert pages[0]["HITs"] == []
    assert asked[0].headers["X-Amz-Target"] == b"MTurkRequesterServiceV20170117.ListHITs"
    assert json.loads(asked[0].body) == {"MaxResults": 100}
    assert b"/us-east-1/mturk-requester/aws4_request" in asked[0].headers["Authorization"]


@pytest.mark.usefixtures("without_mturk")
def test_our_rule_set_finds_amazons_host() -> None:
    client = new_client()
    asked = answer_with(client, b'{"AvailableBalance": "1.00"}')
    client.get_account_balance()
    assert asked[0].url == "https://mturk-requester.us-east-1.amazonaws.com/"


@pytest.mark.usefixtures("without_mturk")
@pytest.mark.parametrize("region", ["sandbox", "us-west-2"])
def test_our_rule_set_knows_no_region_but_the_services_own(region: str) -> None:
    with pytest.raises(EndpointProviderError, match="us-east-1 only"):
        new_client(region).get_account_balance()
