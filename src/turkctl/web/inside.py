"""Tell addresses inside a site from those that lead out of it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from turkctl.harmless import hides_characters


def inside(target: str | None, root: str, otherwise: str) -> str:
    r"""Return ``target`` if it is a path of the site at or below ``root``, else ``otherwise``.

    A browser takes ``//host``, ``/\\host`` and addresses with control characters for other hosts, and ``%2e%2e`` for a
    step up, so they are refused.
    """
    if not target or not target.startswith(root) or hides_characters(target) or "\\" in target:
        return otherwise
    try:
        parts = urlsplit(target)
    except ValueError:
        return otherwise
    path = unquote(parts.path)
    below = parts.path == root or parts.path.startswith(f"{root}/")
    leads_out = bool(parts.scheme or parts.netloc) or "/.." in path or "//" in path or "\\" in path
    return target if below and not leads_out else otherwise
