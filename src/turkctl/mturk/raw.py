"""The client's requests whose answers are kept as they came, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from turkctl.mturk.caller import PAGE, Caller

_BODY = "turkctl-body"


class RawCalls(Caller):
    """Read with any operation that lists or gets, and return the answer itself."""

    def raw(self, operation: str, members: Mapping[str, Any]) -> bytes:
        """Return the body of the answer to a request that only reads.

        Args:
            operation: the API's name, as in ``ListHITs``.
            members: of the request; operations with pages are asked for the largest ones.

        Raises:
            ValueError: the operation changes something.
        """
        if not operation.startswith(("Get", "List")):
            raise ValueError(f"{operation} does more than read")
        self._keeping  # noqa: B018  # registers the hook, once
        method = self._methods[operation]
        sized = {"MaxResults": PAGE} if operation.startswith("List") else {}
        body: bytes = self._ask(method, **sized, **members)[_BODY]
        return body

    @cached_property
    def _methods(self) -> dict[str, str]:
        return {operation: method for method, operation in self._client.meta.method_to_api_mapping.items()}

    @cached_property
    def _keeping(self) -> bool:
        """Let answers of this client carry their bodies from now on."""
        self._client.meta.events.register("before-parse.mturk", _keep_body, unique_id=_BODY)
        return True


def _keep_body(response_dict: Mapping[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    customized_response_dict[_BODY] = response_dict["body"]
