"""Define the settings: name, kind, default, description. The reference page is generated from this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from turkctl.errors import ConfigError, TurkctlError
from turkctl.harmless import hides_characters
from turkctl.units import format_money, parse_duration, parse_money
from turkctl.words import quotes_missing

ENV_PREFIX = "TURKCTL_"
_TRUE = frozenset({"1", "true", "yes", "on"})
_TEXTS = ("text", "money")
"""Kinds that are texts in a file, so that a number there lacks its quotes."""
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True)
class Key:
    """One setting.

    ``kind`` is ``text``, ``choice``, ``flag`` (true or false), ``whole`` (an integer), ``number``, ``money`` or
    ``duration`` (both stored as texts), or ``addresses`` (a list, or a text with blanks between them; stored as such a
    text). Numbers are never negative.
    """

    name: str
    kind: str
    default: Any
    prose: str
    choices: tuple[str, ...] = ()
    secret: bool = False
    in_file: bool = True
    also: tuple[str, ...] = ()
    """Other environment variables that set it, read after its own."""
    maximum: float | None = None
    """Of a number or a whole number."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the environment variables that set it; the first one that is set wins."""
        return (ENV_PREFIX + self.name.replace(".", "_").upper(), *self.also)

    def parse(self, value: Any, *, where: str, error: type[TurkctlError] = ConfigError) -> Any:
        """Return the value in its own type, from text (flags, environment) or from TOML.

        Raises:
            TurkctlError: of the class ``error``, if the value is not of the key's kind. ``where`` opens the message.
        """
        reader = _READERS[self.kind]
        try:
            parsed = reader(self, value)
        except TurkctlError as wrong:
            raise error(f"{where}: {wrong.message}", hint=wrong.hint) from None
        if parsed is None:
            shown = "the value" if self.secret else repr(value)
            hint = quotes_missing(self.name.rpartition(".")[2], value) if self.kind in _TEXTS else None
            raise error(f"{where}: {shown} is not {self._expected()}", hint=hint or f"{self.name}: {self.prose}")
        return parsed

    def _expected(self) -> str:
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        most = f", at most {self.maximum:g}" if self.maximum else ""
        return {
            "text": "a text of one line, without control characters",
            "addresses": "a list of addresses such as mailtos://user:password@example.org",
            "flag": "true or false",
            "whole": f"a whole number, 0 or more{most}",
            "number": f"a number of 0 or more{most}",
            "duration": "a duration such as 90s, 30m, 12h or 3d",
            "money": 'an amount of money, as in "0.50"',
        }[self.kind]


def _read_text(_key: Key, value: Any) -> str | None:
    return value if isinstance(value, str) and value and not hides_characters(value) else None


def _read_addresses(_key: Key, value: Any) -> str | None:
    found = value.split() if isinstance(value, str) else value
    if not isinstance(found, list) or not found:
        return None
    whole = all(isinstance(each, str) and "://" in each and len(each.split()) == 1 for each in found)
    return " ".join(each.strip() for each in found) if whole else None


def _read_choice(key: Key, value: Any) -> str | None:
    return value if isinstance(value, str) and value in key.choices else None


def _read_flag(_key: Key, value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else None
    return True if word in _TRUE else False if word in _FALSE else None


def _read_whole(key: Key, value: Any) -> int | None:
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    return number if number >= 0 and (key.maximum is None or number <= key.maximum) else None


def _read_number(key: Key, value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    within = 0 <= number <= (key.maximum if key.maximum is not None else 1e12)
    return number if within else None


def _read_money(_key: Key, value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return format_money(parse_money(value))


def _read_duration(_key: Key, value: Any) -> str | None:
    """Return the duration as it is written.

    Raises:
        UsageError: it is a number without a unit; the hint asks for one.
    """
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        return None
    parse_duration(text)
    return text


_READERS = {
    "text": _read_text,
    "addresses": _read_addresses,
    "choice": _read_choice,
    "flag": _read_flag,
    "whole": _read_whole,
    "number": _read_number,
    "duration": _read_duration,
    "money": _read_money,
}

KEYS: tuple[Key, ...] = (
    Key(
        "mode",
        "choice",
        "local",
        "which market: the built-in one, Amazon's sandbox, Amazon's production (or an endpoint in their place)",
        choices=("local", "sandbox", "live"),
    ),
    Key(
        "database_url",
        "text",
        None,
        "turkctl's database, an SQLAlchemy URL; turkctl.db beside the project file if unset",
    ),
    Key(
        "market_url",
        "text",
        None,
        "where the built-in market keeps its state, an SQLAlchemy URL; turkctl-market.db beside the database if unset",
    ),
    Key(
        "endpoint_url",
        "text",
        None,
        "a server that speaks the MTurk Requester API, instead of the mode's own",
        in_file=False,
        also=("AWS_ENDPOINT_URL_MTURK",),
    ),
    Key("profile", "text", None, "AWS credentials profile", also=("AWS_PROFILE",)),
    Key("output", "choice", "table", "format of results", choices=("table", "json", "jsonl", "csv")),
    Key("participants_table", "text", "assignments", "the table of participants, with psiTurk's own columns"),
    Key(
        "participants_source",
        "choice",
        "market",
        "who fills the participants table: turkctl from the market, or a psiTurk server",
        choices=("market", "psiturk"),
    ),
    Key("participants_mode", "text", None, "the mode of all participants, if psiTurk's table has no column for it"),
    Key("participants_timezone", "text", "UTC", "the time zone of the times that psiTurk writes without one"),
    Key("notifications.queue_url", "text", None, "SQS queue that tells `workers approve --watch` about submissions"),
    Key("notify.urls", "addresses", None, "addresses of Apprise that events are sent to", secret=True),
    Key("notify.command", "text", None, "program that gets each event as a JSON object on its standard input"),
    Key("endpoints.sandbox", "text", None, "the market of mode sandbox, instead of Amazon's"),
    Key("endpoints.live", "text", None, "the market of mode live, instead of Amazon's"),
    Key("market.throttle", "number", None, "built-in market: requests a second before it throttles; none if unset"),
    Key("market.latency", "number", 0.0, "built-in market: seconds added to each request", maximum=60),
    Key("market.lag", "number", 0.0, "built-in market: seconds until listings show what is new", maximum=3600),
    Key("market.fault_before", "number", 0.0, "built-in market: share of requests that fail with no effect", maximum=1),
    Key("market.fault_after", "number", 0.0, "built-in market: share that take effect but fail", maximum=1),
    Key("market.answer_lost", "number", 0.0, "built-in market: share that take effect but get no answer", maximum=1),
    Key("market.notification_loss", "number", 0.0, "built-in market: share of notifications lost", maximum=1),
    Key("market.seed", "whole", 0, "built-in market: seed of the faults"),
    Key("market.opening_balance", "money", "10000.00", "built-in market: dollars that each new account starts with"),
    Key(
        "market.fee",
        "choice",
        None,
        "built-in market: rule of its commission, Amazon's (`mturk`) or `none`; the market keeps it, at first `mturk`",
        choices=("mturk", "none"),
    ),
    Key(
        "market.unit",
        "text",
        None,
        "built-in market: what amounts are counted in, as in `credits`; the market keeps it, at first dollars (`USD`)",
    ),
    Key("market.keys", "text", None, 'market serve: TOML file of ACCESS_KEY_ID = "secret"; if unset, no keys needed'),
    Key("market.notify_hosts", "text", None, "built-in market: hosts, queues, topics that notifications may go to"),
    Key("market.sqs_endpoint_url", "text", None, "built-in market: address of all queues, instead of their URLs"),
    Key("market.sns_endpoint_url", "text", None, "built-in market: address of all topics, instead of Amazon's SNS"),
    Key(
        "market.site.url",
        "text",
        None,
        "worker site: its own address, as in https://work.example.org; as browsers ask for it if unset",
    ),
    Key(
        "market.site.secret_key",
        "text",
        None,
        "key that signs the worker site's sessions, at least 32 characters; random at each start on loopback if unset",
        secret=True,
    ),
    Key(
        "market.site.content_url",
        "text",
        None,
        "worker site: another host name of the same server, from which HTML tasks are shown",
    ),
    Key(
        "market.site.consent",
        "text",
        None,
        "worker site: file with its own terms, HTML or text, to which everybody must agree first",
    ),
    Key(
        "market.site.correct",
        "duration",
        None,
        "worker site: how long people can correct a submission before its requester gets it; not at all if unset",
    ),
    Key(
        "market.site.contact",
        "text",
        None,
        "worker site: whom people can ask, below every page: a mail address, an address of the web, or a text",
    ),
    Key(
        "market.site.privacy",
        "text",
        None,
        "worker site: HTML or text file with the note on privacy, which every page links to",
    ),
    Key("dashboard.enable", "flag", False, "whether `dashboard serve` may start"),
    Key("dashboard.host", "text", "127.0.0.1", "address that the dashboard listens on"),
    Key("dashboard.port", "whole", 8901, "port that the dashboard listens on", maximum=65535),
    Key(
        "dashboard.behind_proxy",
        "flag",
        False,
        "whether a proxy on this computer adds TLS: its X-Forwarded headers are trusted, and cookies need https",
    ),
    Key(
        "dashboard.login_username",
        "text",
        None,
        "login name of a manager of the dashboard, who sees names; others have tables [dashboard.users.NAME]",
    ),
    Key(
        "dashboard.login_password",
        "text",
        None,
        "password of dashboard.login_username, as it is; only from the environment, never in a file",
        secret=True,
    ),
    Key(
        "dashboard.password_hash",
        "text",
        None,
        "password of dashboard.login_username as a hash, from `turkctl dashboard hash-password`",
        secret=True,
    ),
    Key(
        "dashboard.secret_key",
        "text",
        None,
        "key that signs the dashboard's sessions; the dashboard starts only if it has at least 32 characters",
        secret=True,
    ),
    Key("dashboard.do_scheduler", "flag", False, "whether the dashboard runs the scheduler too"),
    Key("dashboard.threads", "whole", None, "threads of the dashboard's server"),
)
KEYS_BY_NAME = {key.name: key for key in KEYS}
SECTIONS = {key.name.partition(".")[0] for key in KEYS if "." in key.name}
SUBSECTIONS = {key.name.rpartition(".")[0] for key in KEYS if key.name.count(".") > 1}
