"""Whether the packages of the extra ``web`` are installed, without which there is no worker site."""

from __future__ import annotations

from importlib.util import find_spec

from turkctl.errors import UsageError

SITE_NEEDS = ("flask", "flask_login", "flask_wtf", "argon2", "secure")
"""Packages of the extra ``web``."""
INSTALL = "pip install 'turkctl[web]'"
NEEDS_EXTRA = f"the worker site needs: {INSTALL}"


def has_site() -> bool:
    """Return whether the worker site can be served."""
    return all(find_spec(name) is not None for name in SITE_NEEDS)


def require_site() -> None:
    """Raise UsageError if the worker site cannot be served."""
    if not has_site():
        raise UsageError("the worker site needs packages that are not installed", hint=f"run: {INSTALL}")
