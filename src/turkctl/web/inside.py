"""Tell addresses inside a site from those that lead out of it."""

from __future__ import annotations

from urllib.parse import urlsplit

from turkctl.harmless import hides_characters


def inside(target: str | None, root: str, otherwise: str) -> str:
    r"""Return ``target`` if it is a path of the site at or below ``root``, else ``otherwise``.

    A browser takes ``//host``, ``/\\host`` and addresses with control characters for other hosts, so they are refused.
    """
    if not target or hides_characters(target) or "\\" in target or target.startswith("//"):
        return otherwise
    try:
        parts = urlsplit(target)
    except ValueError:
        return otherwise
    below = parts.path == root or parts.path.startswith(f"{root}/")
    leads_out = bool(parts.scheme or parts.netloc) or "/.." in parts.path or "//" in parts.path
    return target if below and not leads_out else otherwise
