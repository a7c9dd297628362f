"""One request and its answer; paging; counting and logging requests. The client's other classes build on it."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from turkctl import own_market
from turkctl.accounts import account_number, aws_account, market_account
from turkctl.errors import MarketUnreachableError, TurkctlError, UsageError
from turkctl.mturk import answers
from turkctl.mturk.answers import MALFORMED, Raw
from turkctl.mturk.errors import (
    MarketRefusedError,
    StrangeAnswerError,
    is_amazons,
    lost,
    no_answer_of_a_market,
    reads_only,
    translate,
)
from turkctl.own_market import MarketRules
from turkctl.units import CENT, format_money

T = TypeVar("T")

PAGE = 100
"""Items requested per page: the API's maximum."""
MOST_EMPTY = 50
"""Maximum number of consecutive empty pages in a list."""

_UNKNOWN_OPERATION = "UnknownOperationException"

_log = logging.getLogger("turkctl.mturk")


class Caller:
    """Sends requests through a boto3 client. Safe to share between threads.

    Every method of the client raises turkctl's errors only:

    * :class:`~turkctl.mturk.errors.MarketRefusedError` and its subclasses if the market refuses;
    * :class:`~turkctl.errors.CredentialsError` for missing, wrong or insufficient credentials;
    * :class:`~turkctl.errors.MarketUnreachableError` if nothing answers, or if the answer is not a market's;
      its subclass :class:`~turkctl.mturk.errors.AnswerLostError` if the request may have had its effect.

    Attributes:
        endpoint: the address of the market.
        requests: number of requests by the API's name of the operation.
        ahead: how far the market's clock was ahead of this machine's at its last answer; None if it did not say.
        permit: called before each request that changes something; it may raise.
    """

    def __init__(
        self, client: Any, endpoint: str, *, in_process: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.endpoint = endpoint
        self.requests: Counter[str] = Counter()
        self.ahead: timedelta | None = None
        self.permit: Callable[[], None] = lambda: None
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._turkctls: bool | None = None
        self._rules: MarketRules | None = None
        self._asking_rules = threading.Lock()
        self._answered = False
        # botocore's parser fails in many ways on answers that are not the API's. In process, such an exception is
        # a bug in the built-in market and must show up as one.
        self._unparsable: tuple[type[Exception], ...] = () if in_process else MALFORMED

    @property
    def identity(self) -> str:
        """Return the market's identity for the rows of a database: its normalized address, then ``#`` and the account.

        The account is left out if the credentials don't reveal it (see :mod:`turkctl.accounts`): one that changed
        with every new key would make one market look like two. On a market other than Amazon's, a number given with
        the key (AWS_ACCOUNT_ID, or ``aws_account_id`` of the profile) comes first, so that the key can be changed.

        Raises:
            CredentialsError: there are no credentials.
        """
        account = self._account()
        return self.address if account is None else f"{self.address}#{account}"

    @property
    def address(self) -> str:
        """Return the market's normalized address, which needs no credentials."""
        parts = urlsplit(self.endpoint)
        default = {"http": 80, "https": 443}.get(parts.scheme)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = "" if parts.port in (None, default) else f":{parts.port}"
        return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"

    def _account(self) -> str | None:
        from botocore.exceptions import BotoCoreError, NoCredentialsError

        try:
            credentials = self._client._request_signer._credentials  # noqa: SLF001  # boto3 has no public way
            if credentials is None:
                raise NoCredentialsError
            key_id: str = credentials.access_key
            named = account_number(credentials.account_id)
        except BotoCoreError as error:
            raise translate(error, operation="sign", endpoint=self.endpoint) from error
        if is_amazons(self.endpoint):
            return aws_account(key_id) or named
        return named or market_account(key_id)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, method: str, **members: Any) -> Raw:
        """Make one request and return its raw answer; members that are None are left out."""
        operation: str = self._client.meta.method_to_api_mapping[method]
        if not reads_only(operation):
            self.permit()
        with self._lock:
            self.requests[operation] += 1
        started = self._clock()
        outcome = "failed"
        try:
            answer = self._answer(
                method, operation, {key: value for key, value in members.items() if value is not None}
            )
            outcome = "ok"
        except TurkctlError as error:
            outcome = error.code
            raise
        finally:
            _log.debug("%s %s in %.0f ms", operation, outcome, 1000 * (self._clock() - started))
        return answer

    def _answer(self, method: str, operation: str, members: dict[str, Any]) -> Raw:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            answer: Raw = getattr(self._client, method)(**members)
        except (ClientError, BotoCoreError, ResponseParserError, StrangeAnswerError, *self._unparsable) as error:
            self.ahead = _ahead(getattr(error, "response", None) or {})
            told = translate(error, operation=operation, endpoint=self.endpoint)
            self._answered = self._answered or isinstance(told, MarketRefusedError)
            if isinstance(told, StrangeAnswerError):
                told.few_tries = reads_only(operation) or not self._answered
            raise told from error
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        self._answered = True
        self._turkctls = own_market.HEADER in headers
        self.ahead = _ahead(answer)
        return answer

    def is_turkctls(self) -> bool:
        """Return whether turkctl's own market answers here; asks for the balance if nothing was answered yet."""
        if self._turkctls is None:
            self._ask("get_account_balance")
        return bool(self._turkctls)

    def market_rules(self) -> MarketRules:
        """Return the market's rules of money and its extensions; they are asked for at most once.

        Markets that are not turkctl's have Amazon's rules, and Amazon's own are not asked.
        """
        with self._asking_rules:
            if self._rules is None:
                self._rules = self._asked_rules()
            return self._rules

    def forget_rules(self) -> None:
        """Have the next look at the market's rules ask for them again: a process may live longer than they hold."""
        with self._asking_rules:
            self._rules = None

    def _asked_rules(self) -> MarketRules:
        if is_amazons(self.endpoint) or self._turkctls is False:
            return own_market.AMAZONS
        try:
            rules = self._read("get_market_rules", answers.market_rules)
        except (MarketRefusedError, MarketUnreachableError) as error:
            if getattr(error, "throttled", False):
                raise
            if own_market.HEADER in _headers(error.__cause__):
                if error.code == _UNKNOWN_OPERATION:
                    return own_market.OLDER
                raise
            # Something else that speaks the API may refuse what it does not know in any way.
            if self.is_turkctls():
                raise
            return own_market.AMAZONS
        return rules if self._turkctls else own_market.AMAZONS

    def knows_studies(self) -> bool:
        """Return whether a market of turkctl's answers here that knows audiences and consent."""
        return own_market.STUDIES in self.market_rules().extensions

    def keeps_items_apart(self) -> bool:
        """Return whether a market of turkctl's answers here that gives nobody an item twice, if HITs tell theirs."""
        return own_market.ITEMS in self.market_rules().extensions

    def _read(self, method: str, build: Callable[[Raw], T], **members: Any) -> T:
        """Make one request and convert its answer."""
        answer = self._ask(method, **members)
        return self._built(method, build, answer)

    def _pages(self, method: str, key: str, build: Callable[[Raw], T], **members: Any) -> Iterator[T]:
        """Yield the items of all pages; each page is requested when its first item is needed.

        The service also sends a token with the last page that has items; the page after it is empty and has none.
        A market does not send many consecutive empty pages with different tokens.
        """
        token: str | None = None
        empty = 0
        while True:
            answer = self._ask(method, MaxResults=PAGE, NextToken=token, **members)
            for raw in answer[key]:
                yield self._built(method, build, raw)
            empty = 0 if answer[key] else empty + 1
            following = answer.get("NextToken")
            endless = empty > MOST_EMPTY or following == token or not isinstance(following, str)
            if following is not None and endless:
                raise no_answer_of_a_market(self.endpoint, self._client.meta.method_to_api_mapping[method])
            if not following:
                return
            token = following

    def _built(self, method: str, build: Callable[[Raw], T], raw: Raw) -> T:
        try:
            return build(raw)
        except MALFORMED as error:
            operation = self._client.meta.method_to_api_mapping[method]
            raise lost(self.endpoint, operation) from error


def _headers(error: BaseException | None) -> Mapping[str, str]:
    """Return the headers of the answer that botocore made an error of; none if there was no answer."""
    answer = getattr(error, "response", None) or {}
    found: Mapping[str, str] = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return found


def _ahead(answer: Raw) -> timedelta | None:
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return parsedate_to_datetime(date).astimezone(UTC) - datetime.now(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def dollars(amount: Decimal) -> str:
    """Return an amount as the API expects it.

    Raises:
        UsageError: it is negative or has a fraction of a cent, which the market would refuse.
    """
    if not amount.is_finite() or amount < 0 or amount != amount.quantize(CENT):
        raise UsageError(f"{amount} is not an amount that the market accepts", hint="give whole cents, as in 0.50")
    return format_money(amount)
