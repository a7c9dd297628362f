"""The unmodified AWS command line against the market over HTTP, with its signatures checked."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from turkctl.market.doors.http import serve
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.service import Market

KEY, SECRET = "AKIDAWSCLI", "a secret that both sides know"
QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://lab.example.org/task</ExternalURL>'
    "<FrameHeight>0</FrameHeight></ExternalQuestion>"
)
_IN_TREE = Path(__file__).parents[3] / ".venv-awscli" / "bin" / "aws"


def find_aws() -> str | None:
    """The command line: the one named by TURKCTL_TEST_AWS, else the one that make installs."""
    return shutil.which(os.environ.get("TURKCTL_TEST_AWS") or str(_IN_TREE))


AWS = find_aws()
pytestmark = pytest.mark.skipif(
    AWS is None, reason="no AWS command line: run `make test`, or set TURKCTL_TEST_AWS to its path"
)


@dataclass
class Cli:
    """Runs ``aws mturk`` against one market."""

    market: Market
    url: str
    home: Path

    def run(self, *words: str, key: str = KEY, secret: str = SECRET) -> subprocess.CompletedProcess[str]:
        assert AWS is not None
        environment = {
            "PATH": os.defpath,
            "HOME": str(self.home),
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_DEFAULT_OUTPUT": "json",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }
        return subprocess.run(
            [AWS, "mturk", *words, "--endpoint-url", self.url],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ask(self, *words: str) -> Any:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    with closing(Market(f"sqlite:///{tmp_path / 'market.db'}", rng=random.Random(1))) as market:
        server = serve(Endpoint(market, keys={KEY: SECRET}), port=0, threads=2)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield Cli(market, f"http://127.0.0.1:{server.port}/sandbox", tmp_path)
        finally:
            server.close()
            thread.join(timeout=10)


def hit_options() -> list[str]:
    return [
        *("--title", "Name the colour of a word", "--description", "Ten minutes", "--reward", "0.50"),
        *("--lifetime-in-seconds", "3600", "--assignment-duration-in-seconds", "600", "--max-assignments", "2"),
        *("--question", QUESTION, "--unique-request-token", "round-1"),
    ]


def moment(shown: float | str) -> datetime:
    """A time as version 1 of the command line shows it (the service's number) or version 2 (ISO 8601)."""
    return datetime.fromisoformat(shown) if isinstance(shown, str) else datetime.fromtimestamp(shown, UTC)


@pytest.mark.slow
def test_a_hits_whole_life_through_the_aws_command_line(cli: Cli):
    assert cli.ask("get-account-balance")["AvailableBalance"] == "10000.00"
    hit_id = cli.ask("create-hit", *hit_options())["HIT"]["HITId"]
    cli.ask("create-additional-assignments-for-hit", "--hit-id", hit_id, "--number-of-additional-assignments", "1")
    cli.ask("update-expiration-for-hit", "--hit-id", hit_id, "--expire-at", "2199-01-01T00:00:00Z")
    [listed] = cli.ask("list-hits")["HITs"]
    assert (listed["HITId"], listed["HITStatus"], listed["MaxAssignments"]) == (hit_id, "Assignable", 3)
    assert moment(listed["Expiration"]) == datetime(2199, 1, 1, tzinfo=UTC)

    for colour in ("blue", "red"):
        worker = cli.market.register_worker("sandbox")
        assignment = cli.market.accept("sandbox", worker, hit_id)
        cli.market.submit("sandbox", worker, assignment["AssignmentId"], {"colour": colour})
    submitted = cli.ask("list-assignments-for-hit", "--hit-id", hit_id)["Assignments"]
    assert [assignment["AssignmentStatus"] for assignment in submitted] == ["Submitted", "Submitted"]
    good, bad = (assignment["AssignmentId"] for assignment in submitted)
    cli.ask("approve-assignment", "--assignment-id", good, "--requester-feedback", "Thank you")
    cli.ask("reject-assignment", "--assignment-id", bad, "--requester-feedback", "No colour at all")
    approved = cli.ask("get-assignment", "--assignment-id", good)["Assignment"]
    assert (approved["AssignmentStatus"], approved["RequesterFeedback"]) == ("Approved", "Thank you")

    cli.ask("update-expiration-for-hit", "--hit-id", hit_id, "--expire-at", "2015-01-01")
    assert cli.ask("get-hit", "--hit-id", hit_id)["HIT"]["HITStatus"] == "Reviewable"
    cli.ask("delete-hit", "--hit-id", hit_id)
    assert cli.ask("list-hits")["HITs"] == []


def test_a_refusal_reaches_the_aws_command_line_in_amazons_words(cli: Cli):
    done = cli.run("get-hit", "--hit-id", "3NOSUCHHIT")
    assert done.returncode != 0
    assert "(RequestError)" in done.stderr
    assert "Hit 3NOSUCHHIT does not exist. (" in done.stderr


def test_the_aws_command_line_with_another_secret_is_refused(cli: Cli):
    done = cli.run("get-account-balance", secret="a guess")
    assert done.returncode != 0
    assert "(InvalidSignatureException)" in done.stderr
