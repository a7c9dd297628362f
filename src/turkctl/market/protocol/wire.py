"""AWS JSON 1.1, as Mechanical Turk spoke it: one function from a request's bytes to an answer's, used by every door."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from turkctl import own_market
from turkctl.copying.marks import MarkedError
from turkctl.market.errors import MarketError, ServiceFault
from turkctl.market.protocol import sigv4, validate
from turkctl.market.protocol.endpoint import CutAnswerError, Endpoint
from turkctl.market.protocol.errors import SerializationException, UnknownOperationException
from turkctl.market.requester import Environment, Requester
from turkctl.units import format_money

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/x-amz-json-1.1"
TARGET_PREFIX = "MTurkRequesterServiceV20170117"
PRODUCTION_PATH = "/"
SANDBOX_PATH = "/sandbox"
_SANDBOX_HOST = "mturk-requester-sandbox."

Answer = tuple[int, dict[str, str], bytes]
"""HTTP status, headers, body."""


def answer(endpoint: Endpoint, path: str, headers: Mapping[str, str | bytes], body: bytes) -> Answer:
    """Answer one ``POST``.

    Args:
        endpoint: carries out the request.
        path: ``/`` is production; ``/sandbox``, or ``/`` on a host named like Amazon's sandbox, is the sandbox.
        headers: in any case; X-Amz-Target names the operation.
        body: a JSON object; an empty body counts as an empty object.

    Raises:
        CutAnswerError: the connection must break without an answer.
        MarkedError: the market was moved to another database, or is a copy that does not act. That is no fault, which
            clients would ask again for, and the door says it in its own way.
    """
    request_id = endpoint.request_id()
    known = _lowered(headers)
    try:
        status, document = 200, _perform(endpoint, path, known, body)
    except MarketError as error:
        status, document = error.status, _error_document(error, endpoint, _environment(path, known))
    except (CutAnswerError, MarkedError):
        raise
    except Exception:  # the server's last resort: log it, and answer as the service would
        logger.exception("internal failure, request %s", request_id)
        fault = ServiceFault("The service failed unexpectedly.", "AWS.InternalFailure")
        status, document = 500, _error_document(fault, endpoint, _environment(path, known))
    content = json.dumps(document, default=_encode, ensure_ascii=False, separators=(",", ":")).encode()
    return status, _headers(request_id, content), content


def _perform(endpoint: Endpoint, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    if endpoint.keys:
        sigv4.verify(path, headers, body, endpoint.keys, endpoint.now)
    operation = _operation(headers.get("x-amz-target", ""))
    environment = _environment(path, headers)
    if environment is None:
        raise UnknownOperationException(f"There is no market at {path}: production is /, the sandbox {SANDBOX_PATH}.")
    requester = Requester(sigv4.account(headers, endpoint.accounts), environment)
    return endpoint.perform(operation, requester, validate.check(operation, _parse(body)))


def _environment(path: str, headers: Mapping[str, str]) -> Environment | None:
    if path.rstrip("/") == SANDBOX_PATH or headers.get("host", "").startswith(_SANDBOX_HOST):
        return "sandbox"
    return "production" if path in {PRODUCTION_PATH, ""} else None


def _operation(target: str) -> str:
    prefix, _, operation = target.partition(".")
    if prefix != TARGET_PREFIX or operation not in validate.operations():
        raise UnknownOperationException(f"X-Amz-Target '{target[:200]}' is no operation of this service.")
    return operation


def _parse(body: bytes) -> Any:
    if not body.strip():
        return {}
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise SerializationException("The request body is not JSON.") from None


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _error_document(error: MarketError, endpoint: Endpoint, environment: Environment | None) -> dict[str, Any]:
    """Return an error's body: the service's own have ``Message``, ending in the time, the front end's ``message``."""
    if not error.capital:
        return {"__type": error.type, "message": error.message}
    error.stamp(int(endpoint.market.now().timestamp() * 1000), environment or "production")
    document = {"__type": error.type, "Message": error.message}
    if error.turk_error_code:
        document["TurkErrorCode"] = error.turk_error_code
    return document


def _encode(value: Any) -> float | str:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    if isinstance(value, Decimal):
        return format_money(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def _lowered(headers: Mapping[str, str | bytes]) -> dict[str, str]:
    """Return names in lower case and values as text (botocore has both text and bytes)."""
    return {
        name.lower(): value.decode("latin-1") if isinstance(value, bytes) else value for name, value in headers.items()
    }


def _headers(request_id: str, content: bytes) -> dict[str, str]:
    return {
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(content)),
        "x-amzn-RequestId": request_id,
        own_market.HEADER: own_market.VERSION,
    }
