"""Join settings, store, MTurk client and market; no other module does (the composition root).

The command line, the dashboard and the scheduler all start from a :class:`Context`. Everything is opened on first use,
so that a command pays only for what it needs.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from turkctl.errors import ConfigError, DatabaseUnreachableError, NotFoundError, SchemaError, UsageError
from turkctl.paths import is_folder, is_lost
from turkctl.settings import Settings, is_in_memory, mask_url, sqlite_path
from turkctl.units import count_in, parse_duration, parse_money

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from turkctl.copying.contents import Contents
    from turkctl.fees import FeeRule
    from turkctl.made_databases import MadeDatabase
    from turkctl.market.crowd.simulation import Crowd
    from turkctl.market.destinations import Destinations
    from turkctl.market.doors.http import Server
    from turkctl.market.glance import MarketGlance
    from turkctl.market.keys import Keys
    from turkctl.market.notifier import LossyNotify
    from turkctl.market.protocol.endpoint import Endpoint
    from turkctl.market.protocol.switches import Switches
    from turkctl.market.service import Environment, Market
    from turkctl.market.site.app import SiteOptions
    from turkctl.mturk.client import MTurk
    from turkctl.mturk.queues import Queue
    from turkctl.notify.channels import Channels
    from turkctl.operations.engine.batch import Engine
    from turkctl.operations.engine.world import CommandOrigin
    from turkctl.store.base import Place
    from turkctl.store.engine import Database


T = TypeVar("T")

USUAL_DATABASE = "turkctl.db"
"""The database of a project that names none, beside its file."""
SHORTEST_SITE_KEY = 32
"""Characters that the key of the worker site's sessions has at least."""


class opened_once(Generic[T]):  # noqa: N801  # named like functools.cached_property, which it replaces
    """A property of a :class:`Context` that is made once, whichever thread asks for it first.

    Like functools.cached_property, it keeps what was made under its name in the object's ``__dict__``; that one lets
    two threads open the same thing twice.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, context: None, owner: type) -> opened_once[T]: ...

    @overload
    def __get__(self, context: Context, owner: type) -> T: ...

    def __get__(self, context: Context | None, owner: type) -> opened_once[T] | T:
        if context is None:
            return self
        with context.opening:
            known = context.__dict__
            if self._name not in known:
                known[self._name] = self._make(context)
            made: T = known[self._name]
            return made


class Context:
    """Database, market and clock of one invocation, by its settings.

    Several threads can share one: what is opened is opened once, and any thread can use it. Its :attr:`origin`
    collects the results of one act, so threads that act at the same time each need a world of their own with another
    origin, such as :class:`turkctl.scheduler.worlds.ChildWorld`. Only :meth:`close` must wait until no thread uses it.

    Properties raise DatabaseUnreachableError, SchemaError, CredentialsError or MarketUnreachableError if what they
    open cannot be opened, and NoProjectError outside a project if nothing names the database.

    Attributes:
        settings: the resolved settings.
        notice: called with messages for the user while a batch waits, from any thread.
        warn: called with what has to be known.
        origin: the command being run, as typed, when it was given, by :func:`time.monotonic`, and its results so far.
        opening: held by the thread that opens something.
    """

    def __init__(
        self,
        settings: Settings,
        notice: Callable[[str], None] = lambda _words: None,
        command: str = "turkctl",
        since: float | None = None,
        act: str | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self.settings = settings
        self.notice = notice
        self.warn = warn or notice
        self.opening = RLock()
        self._command = command
        self._since = since
        self._act = act
        self._opened: list[Any] = []
        self._acts_until = 0.0
        """When the next request that changes something looks again whether the study acts from this database."""
        self._for_others = False
        """Whether the built-in market is served to other computers."""
        self._anew = False
        """Whether the project may get another database although it had one."""
        self._anew_over_empty = False
        """Whether it may take the place of a file of 0 bytes."""
        self._market_anew = False
        """Whether there may be another built-in market although the study has HITs of one that is gone."""

    def contents_to_copy(self, *, market: bool) -> Contents:
        """Return what the study, or its built-in market, says of itself for ``db copy``.

        Raises:
            NotFoundError: there is no market.
            DatabaseUnreachableError, SchemaError: a database cannot be opened, or has no study.
        """
        if market:
            from turkctl.market.moves import MarketContents

            if self._glance() is None and "market" not in self.__dict__:
                raise NotFoundError(
                    f"there is no built-in market in {mask_url(self.settings.market_url)}",
                    hint="leave out --market-to",
                )
            self.market.identity()  # opening it brings its tables up to date
            return MarketContents()
        from turkctl.store.moves import StudyContents, require

        require(self.bare_database)
        return StudyContents(self.settings["participants_table"])

    def names(self, kind: str) -> list[tuple[str, str]]:
        """Return names for a shell to offer, each with a few words; see :mod:`turkctl.store.names`."""
        from turkctl.store.names import read_names

        self.settings.require_database()
        url = self.settings.database_url
        return read_names(url, sqlite_path(url), kind, self.settings.mode)

    @opened_once
    def bare_database(self) -> Database:
        """Return the database as it is: its schema is neither checked nor created.

        A command that changes something gets none that was moved, or is a copy that does not act.
        """
        from turkctl.sqlite_files import make_over_empty
        from turkctl.store.engine import connect
        from turkctl.store.marks import refuse_marked
        from turkctl.store.participant_columns import substitute

        self.settings.require_database()
        path = sqlite_path(self.settings.database_url)
        if path is not None and is_lost(path):
            self.refuse_to_begin()
            if self._anew_over_empty:
                make_over_empty(path)
        database = connect(self.settings.database_url)
        substitute(database.engine, self.settings["participants_table"], self.settings["participants_mode"])
        self._opened.append(database)
        if self._act is not None and (path is None or not is_lost(path)):
            refuse_marked(database)
        return database

    @opened_once
    def database(self) -> Database:
        """Return the database at this turkctl's schema, which is created if the database is empty."""
        from turkctl.store.schema import ensure

        ensure(self.bare_database, self.settings["participants_table"], self.refuse_to_begin)
        if self._made is not None:
            self._made.remember()
        if (elsewhere := self.study_elsewhere) is not None:
            self.warn(elsewhere)
        count_in(self.known_unit(self.bare_database))
        return self.bare_database

    @opened_once
    def study_elsewhere(self) -> str | None:
        """Return what to warn of where the database that is named is empty, and the one beside the project file not."""
        from turkctl.store.moves import is_empty

        settings = self.settings
        usual = settings.folder / USUAL_DATABASE
        if settings.project_file is None or settings.origins["database_url"].kind == "default" or is_lost(usual):
            return None
        if sqlite_path(settings.database_url) == usual or not is_empty(self.bare_database):
            return None
        from turkctl.store.names import has_study

        if not has_study(usual):
            return None
        named = mask_url(settings.database_url)
        return (
            f"the database {named} is empty, but {usual} has a study; to move it, run: "
            f"turkctl db copy --database-url sqlite:///{usual} --to {named}"
        )

    def known_unit(self, database: Database) -> str:
        """Return what the mode's amounts are counted in, as its market last said."""
        from turkctl.store import market_rules
        from turkctl.store.base import ANY_MARKET, Place

        with database.read() as session:
            return market_rules.unit_at(session, Place(self.settings.mode, ANY_MARKET))

    @opened_once
    def _made(self) -> MadeDatabase | None:
        """Return the record that the project's database was created; None outside a project."""
        from turkctl.made_databases import MadeDatabase

        project, folder, address = self.settings.project_file, self.settings.state_folder, self.settings.database_url
        if project is None or folder is None:
            return None
        return MadeDatabase(project, address, sqlite_path(address), folder)

    def remember(self, address: str) -> None:
        """Remember that the project has a database at another address, so that a lost one is missed there, too."""
        from turkctl.made_databases import MadeDatabase

        project, folder = self.settings.project_file, self.settings.state_folder
        if project is not None and folder is not None:
            MadeDatabase(project, address, sqlite_path(address), folder).remember()

    def refuse_to_begin(self) -> None:
        """Raise if an empty database must not get tables.

        Raises:
            DatabaseUnreachableError: the project had another database before, or psiTurk creates the one named.
        """
        if self._made is not None and not self._anew:
            self._made.refuse_to_begin()
        named = self.settings.origins["database_url"].kind != "default"
        if named and self.settings["participants_source"] == "psiturk":
            raise DatabaseUnreachableError(
                f"the database {mask_url(self.settings.database_url)} is empty,"
                " although psiTurk should fill it (participants_source)",
                hint="check the address in database_url; psiTurk creates its tables when its server starts",
            )

    def begin_anew(self, *, over_empty: bool = False) -> None:
        """Let the project begin with a new database although it had another one before.

        What is known of the old one is kept until there is a new one.

        Args:
            over_empty: also where the database's file has 0 bytes.
        """
        self._anew, self._anew_over_empty = True, over_empty

    def _unit(self) -> str | None:
        """Return what the built-in market's amounts are to be counted in; None leaves that as it is."""
        from turkctl.own_market import LONGEST_UNIT

        unit: str | None = self.settings["market.unit"]
        if unit is not None and len(unit) > LONGEST_UNIT:
            raise ConfigError(
                f"market.unit has {len(unit)} characters; {LONGEST_UNIT} are allowed",
                hint="write a word, as in credits",
            )
        return unit

    def known_fee(self) -> FeeRule:
        """Return the rule of the market's commission as far as it is known; nothing is opened or asked for it."""
        from turkctl.fees import MTURK, rule_of

        local = self.settings.mode == "local"
        named: str | None = self.settings["market.fee"] if local else None
        if named is not None or not (local or self.settings.endpoint_url):
            return rule_of(named)
        try:
            told = self.names("fees")
        except Exception:  # noqa: BLE001  # whatever is wrong with the database, a sum can be done without it
            return MTURK
        return rule_of(told[0][0]) if len(told) == 1 else MTURK

    @opened_once
    def market(self) -> Market:
        """Return the built-in market, in this process."""
        from sqlalchemy.exc import SQLAlchemyError

        from turkctl.market.service import Market

        self.settings.require_market()
        self._look_for_market_file()
        try:
            market = Market(
                self.settings.market_url,
                opening_balance=parse_money(self.settings["market.opening_balance"]),
                fee=self.settings["market.fee"],
                unit=self._unit(),
                notify=self._notify,
                permit=self._destinations.permit,
                before_making=self._refuse_another_market,
            )
        except (SQLAlchemyError, OSError, ImportError) as error:
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            raise DatabaseUnreachableError(
                f"cannot open the market at {mask_url(self.settings.market_url)}: {reason}",
                hint="check --market-url, and that its folder can be written to",
            ) from error
        self._opened.append(market)
        return market

    def _look_for_market_file(self) -> None:
        """Refuse, before there is a file, what :meth:`_refuse_another_market` refuses before there are tables."""
        from turkctl.sqlite_files import make_over_empty

        if is_in_memory(self.settings.market_url):
            raise ConfigError("a market in memory is gone when the command ends", hint="write sqlite:///FILE")
        path = sqlite_path(self.settings.market_url)
        if path is not None and is_lost(path):
            self._refuse_another_market()
            if self._market_anew:
                make_over_empty(path)

    def _refuse_another_market(self) -> None:
        """Raise DatabaseUnreachableError if the study has HITs of a built-in market, or lost its database.

        A market that the command line names may be another one.
        """
        another = self._market_anew or self.settings.origins["market_url"].kind == "flag"
        if not another and self._knows_built_in_market():
            raise DatabaseUnreachableError(
                f"the market {mask_url(self.settings.market_url)} is gone or empty, but the database"
                f" {mask_url(self.settings.database_url)} has HITs of one",
                hint="restore it from a copy; to start with a new market, run: turkctl market reset",
            )

    def _knows_built_in_market(self) -> bool:
        from turkctl.store import hits

        if not self.settings.has_database:
            return False
        path = sqlite_path(self.settings.database_url)
        if path is not None and is_lost(path):
            if self._made is not None:
                self._made.refuse_to_begin()  # nobody can tell what the lost database knew
            return False
        with self.bare_database.read() as session:
            return hits.knows_built_in_market(session)

    def begin_market_anew(self) -> None:
        """Let there be a new built-in market although the study has HITs of another one, also over an empty file."""
        self._market_anew = True

    @opened_once
    def endpoint(self) -> Endpoint:
        """Return the built-in market with the switches of the settings' ``[market]`` section."""
        return self._new_endpoint()

    def switches(self) -> Switches:
        """Return the switches of the built-in market."""
        from turkctl.market.protocol.switches import Switches

        names = (
            "throttle",
            "latency",
            "lag",
            "fault_before",
            "fault_after",
            "answer_lost",
            "notification_loss",
            "seed",
        )
        return Switches(**{name: self.settings[f"market.{name}"] for name in names})

    @opened_once
    def mturk(self) -> MTurk:
        """Return the client of the mode's market."""
        from turkctl.mturk import connect as ways

        mode = self.settings.mode
        if mode == "local":
            from turkctl.market.doors.inprocess import attach

            client = ways.connect(endpoint_url=ways.LOCAL_ENDPOINT, local=lambda events: attach(events, self.endpoint))
        else:
            amazon = ways.PRODUCTION_ENDPOINT if mode == "live" else ways.SANDBOX_ENDPOINT
            client = ways.connect(endpoint_url=self.settings.endpoint_url or amazon, profile=self.settings["profile"])
        client.permit = self._see_that_it_acts
        return client

    def _see_that_it_acts(self) -> None:
        """Raise MarkedError, before a request that changes something, if the study was moved; looked at each second."""
        if not self.settings.has_database or time.monotonic() < self._acts_until:
            return
        from turkctl.store.marks import refuse_marked

        path = sqlite_path(self.settings.database_url)
        if path is None or not is_lost(path):
            refuse_marked(self.bare_database)
        self._acts_until = time.monotonic() + 1.0

    def queue(self) -> Queue | None:
        """Return the queue of the market's notifications, or None if none is configured.

        Raises:
            UsageError: the setting is not the URL of a queue.
            CredentialsError: the profile cannot be read.
        """
        from turkctl.mturk.queues import open_queue

        url = self.settings["notifications.queue_url"]
        return None if url is None else open_queue(url, self.settings["profile"])

    def channels(self) -> Channels:
        """Return the ways to tell people of events that ``[notify]`` names; none are used, or looked at, before."""
        from turkctl.notify.channels import channels_of

        return channels_of(self.settings["notify.urls"], self.settings["notify.command"], self.settings.folder)

    def _glance(self) -> MarketGlance | None:
        """Return the local market's identity and time, without opening it if possible."""
        from turkctl.market.glance import glance

        self.settings.require_market()
        return None if "market" in self.__dict__ else glance(self.settings.market_url)

    @opened_once
    def place(self) -> Place:
        """Return mode and identity of the market, which the rows of this invocation carry."""
        from turkctl.store.base import Place

        if self.settings.mode == "local":
            seen = self._glance()
            return Place("local", f"local:{self.market.identity() if seen is None else seen.identity}")
        return Place(self.settings.mode, self.mturk.identity)

    def look_again(self) -> None:
        """Forget the market's rules, and the built-in one's identity: both may change under a long-lived process."""
        with self.opening:
            client = self.__dict__.get("mturk")
            if self.settings.mode == "local":
                self.__dict__.pop("place", None)
        if client is not None:
            client.forget_rules()

    def crowd(self, options: Mapping[str, Any], *, real_time: bool = False) -> Crowd:
        """Return simulated workers on the built-in market.

        Args:
            options: attributes of :class:`turkctl.market.crowd.behaviour.CrowdOptions`.
            real_time: wait for the market's clock instead of moving it.

        Raises:
            UsageError: an option is out of range.
        """
        from turkctl.market.crowd.behaviour import CrowdOptions, parse_locales
        from turkctl.market.crowd.simulation import Crowd

        texts = {"locales": parse_locales(options["locales"])} if "locales" in options else {}
        environment: Environment = "sandbox" if self.settings.mode == "sandbox" else "production"
        return Crowd(self.market, environment, CrowdOptions(**{**options, **texts}), real_time=real_time)

    def market_server(
        self,
        host: str,
        port: int,
        threads: int | None,
        *,
        site: bool = False,
        sandbox: bool = False,
        behind_proxy: bool = False,
        content_port: int | None = None,
        content_url: str | None = None,
        files: Path | None = None,
    ) -> Server:
        """Return the built-in market behind HTTP, for the caller to run.

        Args:
            host: where it listens.
            port: 0: any free port.
            threads: number of requests answered at once; None: as many as the market's database is quick with.
            site: also serve the worker site, which needs the extra ``web``.
            sandbox: the site shows the HITs of the sandbox.
            behind_proxy: a proxy adds TLS and says who asks.
            content_port: another port, of the site's HTML tasks alone; 0: any free one.
            content_url: where browsers find HTML tasks, instead of ``market.site.content_url``.
            files: a folder whose files HTML tasks can show.

        Raises:
            UsageError: an address cannot be used, or the folder is none.
            ConfigError: the key file cannot be read, or a line of it is not a key; the site's settings are wrong.
        """
        from turkctl.market.destinations import is_loopback
        from turkctl.market.doors.http import serve
        from turkctl.serving import check_host

        self.settings.require_market()
        check_host(host, port)
        # With keys it serves others, who may connect through a proxy on this computer. Known before the market opens.
        self._for_others = not is_loopback(host) or self.settings["market.keys"] is not None
        self.market.refuse_marked()
        endpoint = self._new_endpoint(self._keys())
        threads = threads or self.market.prompt_threads()
        if not site:
            return serve(endpoint, host, port, threads)
        from turkctl.market.site.app import content_door, know_content_port, make_site, mounts

        options = self._site_options(behind_proxy, content_url, files, public=not is_loopback(host))
        app = make_site(self.market, "sandbox" if sandbox else "production", options)
        server = serve(endpoint, host, port, threads, mounts=mounts(app), behind_proxy=behind_proxy)
        if content_port is not None:
            try:
                know_content_port(app, server.add(content_door(app, server.port), host, content_port))
            except UsageError:
                server.close()
                raise
        return server

    def archive_server(self, folder: Path, host: str, port: int, threads: int) -> Server:
        """Return an archive behind HTTP, as a market that can only be read, for the caller to run.

        Args:
            folder: of the archive.
            host: where it listens.
            port: 0: any free port.
            threads: number of requests answered at once.

        Raises:
            NotFoundError, SchemaError, UsageError: it is no archive, or the address cannot be used.
        """
        from turkctl.archive.served import ArchivedItems
        from turkctl.market.archived import ArchivedMarket
        from turkctl.market.doors.http import serve
        from turkctl.market.protocol.endpoint import Endpoint
        from turkctl.serving import check_host

        check_host(host, port)
        market = ArchivedMarket(ArchivedItems(folder))
        self._opened.append(market)
        return serve(Endpoint(market), host, port, threads)

    def _site_options(
        self, behind_proxy: bool, content_url: str | None, files: Path | None, *, public: bool
    ) -> SiteOptions:
        from turkctl.market.site.agreements import terms_of
        from turkctl.market.site.app import SiteOptions
        from turkctl.market.site.foot_lines import Foot, note_of
        from turkctl.site_texts import site_text

        if files is not None and not is_folder(files):
            raise UsageError(f"there is no folder {files}", hint="give the folder with the pictures: --files FOLDER")
        url, content_url = self.settings["market.site.url"], content_url or self.settings["market.site.content_url"]
        if content_url is not None and url is None:
            raise ConfigError(
                "HTML tasks have an address of their own, but market.site.url, whose pages alone may show them, is not "
                "set",
                hint="run: turkctl config set market.site.url https://HOST",
            )
        correct = self.settings["market.site.correct"]
        terms, note = (site_text(self.settings, f"market.site.{name}") for name in ("consent", "privacy"))
        shown = None if note is None else note_of(note.text, is_html=note.is_html)
        return SiteOptions(
            self._site_key(required=public or behind_proxy),
            url,
            content_url,
            behind_proxy,
            timedelta() if correct is None else parse_duration(correct),
            None if terms is None else terms_of(terms.text, is_html=terms.is_html),
            Foot(self.settings["market.site.contact"], shown),
            files,
        )

    def _site_key(self, *, required: bool) -> str:
        """Return the key that signs the worker site's sessions; a random one for trying."""
        import secrets

        key: str | None = self.settings["market.site.secret_key"]
        if key is None and not required:
            return secrets.token_hex(32)
        if key is None or len(key) < SHORTEST_SITE_KEY:
            what = "is not set" if key is None else f"has fewer than {SHORTEST_SITE_KEY} characters"
            raise ConfigError(
                f"market.site.secret_key, which signs the worker site's sessions, {what}",
                hint='make one with: python3 -c "import secrets; print(secrets.token_hex(32))", and give it as'
                " TURKCTL_MARKET_SITE_SECRET_KEY; or leave the site out with --no-site",
            )
        return key

    def _keys(self) -> Keys:
        from turkctl.market.keys import Keys, read_keys
        from turkctl.settings_file import read_toml

        name = self.settings["market.keys"]
        if name is None:
            return Keys()
        path = self.settings.folder / name
        document, _ = read_toml(path)
        return read_keys(document, str(path))

    def _notify(self, destination: dict[str, Any], body: str) -> None:
        """Deliver an event of the market; the first one imports botocore."""
        self._notifications(destination, body)

    @opened_once
    def _notifications(self) -> LossyNotify:
        from turkctl.market.notifier import LossyNotify, Notifier

        return LossyNotify(Notifier(self._destinations))

    @opened_once
    def _destinations(self) -> Destinations:
        """Return where notifications may go: listed places and, in mode local if it serves no others, this computer."""
        from turkctl.market.destinations import Destinations, read_named

        own = self.settings["notifications.queue_url"]  # the market may write to the queue that turkctl itself reads
        return Destinations(
            read_named(self.settings["market.notify_hosts"]) | ({own} if own else set()),
            loopback=self.settings.mode == "local" and not self._for_others,
            sqs_endpoint_url=self.settings["market.sqs_endpoint_url"],
            sns_endpoint_url=self.settings["market.sns_endpoint_url"],
        )

    def _new_endpoint(self, keys: Keys | None = None) -> Endpoint:
        from turkctl.market.protocol.endpoint import Endpoint

        switches = self.switches()
        notifications = self._notifications if switches.notification_loss else None
        secrets, accounts = (None, None) if keys is None else (keys.secrets, keys.accounts)
        return Endpoint(self.market, switches=switches, notifications=notifications, keys=secrets, accounts=accounts)

    @property
    def listing_place(self) -> Place:
        """Return the place whose rows are listed.

        Outside mode local that is every market of the mode: only credentials could tell which one is configured, and
        lists need no credentials.
        """
        from turkctl.store.base import ANY_MARKET, Place

        return self.place if self.settings.mode == "local" else Place(self.settings.mode, ANY_MARKET)

    def now(self) -> datetime:
        """Return the time of the study: the market's virtual clock in mode local, else the real time."""
        if self.settings.mode == "local":
            seen = self._glance()
            return self.market.now() if seen is None else seen.now
        return datetime.now(UTC)

    def eligible(self, hit_ids: Sequence[str]) -> tuple[int, int] | None:
        """Return how many workers the market has, and how many could accept one of these HITs.

        None where that cannot be known: no market but the built-in one tells, and that one may have no workers yet, or
        the HITs have been taken or have expired since the database was last brought up to date.
        """
        from turkctl.market.glance import has_workers

        if self.settings.mode != "local" or not has_workers(self.settings.market_url):
            return None
        counted = self.market.eligible("production", hit_ids)
        return counted if counted is not None and counted[0] else None

    def present(self) -> datetime:
        """Return :meth:`now` if that opens nothing, else the real time: for showing times, not for decisions."""
        if self.settings.mode != "local" or "market" in self.__dict__:
            return self.now()
        seen = self._glance() if self.settings.has_market else None
        return datetime.now(UTC) if seen is None else seen.now

    @opened_once
    def origin(self) -> CommandOrigin:
        """Return the command that this context is for."""
        from turkctl.operations.engine.world import CommandOrigin

        return CommandOrigin(self._command, since=self._since, act=self._act)

    def leave_line(self, error: BaseException | None = None) -> None:
        """Leave a line in the log for the command, if it opened the database and did something, or failed.

        Raises:
            DatabaseUnreachableError: the database did not answer.
        """
        if "database" not in self.__dict__ and self.origin.tally.is_empty:
            return
        from turkctl.operations.intents.lines import leave_line

        with suppress(SchemaError):  # psiTurk's database, without tables of ours, has no log
            leave_line(self, error)

    def engine(self, **options: Any) -> Engine:
        """Return a batch engine that logs what it does; ``options`` are its attributes."""
        from turkctl.operations.engine.batch import Engine
        from turkctl.operations.intents.runs import logged

        return Engine(**{"journal": lambda plan: logged(self, plan.action), "notice": self.notice, **options})

    def close(self) -> None:
        """Close what was opened."""
        while self._opened:
            self._opened.pop().close()
