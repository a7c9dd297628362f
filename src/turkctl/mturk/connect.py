"""Create the one client of a process: its endpoint, credentials, time limits, and the way into the built-in market."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from turkctl import __version__
from turkctl.addresses import mask_url
from turkctl.errors import UsageError
from turkctl.model import SEARCH_PATH
from turkctl.mturk.bounds import Bounds, bound
from turkctl.mturk.client import MTurk
from turkctl.mturk.errors import lost, shown, strange, translate
from turkctl.mturk.wholeness import NotOfTheApiError, NotWholeError, check

PRODUCTION_ENDPOINT = "https://mturk-requester.us-east-1.amazonaws.com"
SANDBOX_ENDPOINT = "https://mturk-requester-sandbox.us-east-1.amazonaws.com"
LOCAL_ENDPOINT = "http://local-market.invalid"
"""The built-in market's address inside a process. ``.invalid`` never resolves (RFC 2606)."""
REGION = "us-east-1"
"""The only region the service had; requests to every market are signed for it."""
CONNECT_TIMEOUT = 5
"""Maximum seconds until a connection is made."""
READ_TIMEOUT = 30
"""Maximum seconds for each piece of an answer."""
BOUNDS = Bounds()
"""Limits for a whole answer."""
CONNECTIONS = 64
"""Connections kept open for the threads of a batch."""
LOCAL_KEY = "TURKCTLLOCAL"
"""The access key id that local mode signs with; it identifies nobody."""


def connect(
    *,
    endpoint_url: str,
    profile: str | None = None,
    region: str = REGION,
    local: Callable[[Any], None] | None = None,
    connect_timeout: float = CONNECT_TIMEOUT,
    read_timeout: float = READ_TIMEOUT,
    bounds: Bounds = BOUNDS,
) -> MTurk:
    """Return a client of the market at ``endpoint_url``. It makes one attempt per request; none is made here.

    Unless the user has set ``AWS_EC2_METADATA_DISABLED``, it is set for this process: without credentials, botocore
    would otherwise wait two seconds for an instance metadata service, which laptops do not have.

    Args:
        endpoint_url: the market's address, always explicit; its path is kept.
        profile: AWS profile; None uses boto3's own order.
        region: the region that requests are signed for.
        local: attaches a market of this process to the client's event emitter. With it, no credentials are read,
            no profile or configuration of AWS is used, no proxy is used, and the endpoint's host must end in
            ``.invalid``, so that nothing can reach a network.
        connect_timeout: maximum seconds until a connection is made.
        read_timeout: maximum seconds for each piece of an answer.
        bounds: limits for a whole answer.

    Raises:
        UsageError: the endpoint is not an http or https address.
        CredentialsError: the profile or AWS's configuration cannot be read.
    """
    _check(endpoint_url)
    if local is not None and not str(urlsplit(endpoint_url).hostname).endswith(".invalid"):
        raise ValueError(f"{endpoint_url} could be reached over a network")
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    try:
        client = _client(endpoint_url, profile, region, local is not None, (connect_timeout, read_timeout))
    except _botocore_error() as error:
        raise translate(error, operation="connect", endpoint=endpoint_url) from error
    bound(client, bounds)
    client.meta.events.register("before-parse.mturk", _whole_answers(endpoint_url, bounds.depth))
    if local is not None:
        local(client.meta.events)
    return MTurk(client, endpoint_url, in_process=local is not None)


def _whole_answers(endpoint_url: str, depth: int) -> Callable[..., None]:
    """Return a hook that raises AnswerLostError for a truncated answer, before botocore reads it as empty."""

    def look(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
        operation, status = operation_model.name, response_dict["status_code"]
        try:
            check(operation, status, response_dict["headers"], response_dict["body"], depth)
        except NotOfTheApiError as error:
            raise strange(endpoint_url, operation, str(error)) from error
        except NotWholeError as error:
            raise lost(endpoint_url, operation, str(error)) from error

    return look


def _check(endpoint_url: str) -> None:
    from botocore.utils import is_valid_endpoint_url, is_valid_ipv6_endpoint_url

    try:
        parts = urlsplit(endpoint_url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
        usable = usable and (is_valid_endpoint_url(endpoint_url) or is_valid_ipv6_endpoint_url(endpoint_url))
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"'{_named(endpoint_url)}' is not the address of a market",
            hint="write http:// or https://, a host and maybe a port, as in http://127.0.0.1:8800",
        )


def _named(endpoint_url: str) -> str:
    return shown(endpoint_url) if "@" in endpoint_url else mask_url(endpoint_url)


def _botocore_error() -> type[Exception]:
    from botocore.exceptions import BotoCoreError

    kind: type[Exception] = BotoCoreError
    return kind


def _client(endpoint_url: str, profile: str | None, region: str, in_process: bool, limits: tuple[float, float]) -> Any:
    import boto3  # type: ignore[import-untyped]  # boto3 has no types
    import botocore
    from botocore.config import Config

    config = Config(
        connect_timeout=limits[0],
        read_timeout=limits[1],
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=CONNECTIONS,
        tcp_keepalive=True,
        # Variables meant for other services must not change where this client sends its requests.
        use_fips_endpoint=False,
        use_dualstack_endpoint=False,
        ignore_configured_endpoint_urls=True,
        defaults_mode="legacy",
        # Set explicitly: botocore would rebuild its own for each request, a seventh of the request's time.
        user_agent=f"turkctl/{__version__} Boto3/{boto3.__version__} Botocore/{botocore.__version__}",
        proxies={} if in_process else None,
    )
    wanted = {"region_name": region, "endpoint_url": endpoint_url, "config": config}
    if not in_process:
        return _session(None, profile).client("mturk", **wanted)
    with _ONE_BY_ONE:
        return _local_session().client("mturk", **wanted, **_LOCAL_KEYS)


_LOCAL_KEYS = {"aws_access_key_id": LOCAL_KEY, "aws_secret_access_key": "unused"}
_ONE_BY_ONE = Lock()
"""Held while a client is made with the shared session, which is not safe for threads."""


@cache
def _local_session() -> Any:
    """Return the session of all clients of markets in this process. It reads no files and has no credentials to share.

    What a client's requests meet is registered with the client, so that no two share a market either.
    """
    nowhere = (None, None, None, None)
    return _session({"profile": nowhere, "config_file": nowhere, "credentials_file": nowhere}, None)


def _session(files: dict[str, Any] | None, profile: str | None) -> Any:
    import boto3
    from botocore.session import Session

    session = Session(session_vars=files)
    session.register_component("data_loader", _loader())
    return boto3.Session(botocore_session=session, profile_name=profile)


@cache
def _loader() -> Any:
    """Return a loader that reads botocore's files once per process, which is most of the work of creating a client."""
    from botocore.loaders import Loader

    class OneServiceLoader(Loader):  # type: ignore[misc]  # botocore has no types
        """Avoids listing some 440 folders (20 ms) to learn that there is a service called mturk."""

        others = False

        def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
            if service_name != "mturk":
                self.others = True  # a profile that assumes a role or signs on asks sts or sso
            return super().load_service_model(service_name, type_name, api_version)

        def list_available_services(self, type_name: str) -> Any:
            return super().list_available_services(type_name) if self.others else ["mturk"]

    loader = OneServiceLoader()
    loader.search_paths.append(SEARCH_PATH)  # last, so that botocore's own model wins while there is one
    return loader
