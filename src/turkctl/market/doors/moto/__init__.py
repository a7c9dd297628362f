"""The market as one of moto's services: ``mock_mturk`` for anyone's tests, used like ``mock_aws``.

moto has no way to add services of other packages, so :func:`register` puts this package where moto looks for one:
in its list of URL patterns and, as ``moto.mturk``, among the loaded modules. moto then finds ``mturk_backends`` here
and the table of URLs in the module ``urls`` beside the backend's.

moto is an extra: ``pip install 'turkctl[moto]'``.
"""

from __future__ import annotations

try:
    import moto as _moto  # noqa: F401  only to report early that it is missing
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("mock_mturk needs moto: pip install 'turkctl[moto]'", name=error.name) from None

from turkctl.market.doors.moto.mock import MockMturk, mock_mturk
from turkctl.market.doors.moto.models import MturkBackend, mturk_backends
from turkctl.market.doors.moto.registration import register

__all__ = ["MockMturk", "MturkBackend", "mock_mturk", "mturk_backends", "register"]
