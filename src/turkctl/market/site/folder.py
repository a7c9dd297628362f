"""Show the files of a folder to people who do tasks: at signed addresses that work for a day, from the content origin.

That origin knows no sessions. The page of a HIT, which does, gives the frame of an HTML task a token of the worker; the
task's own addresses ``/content/files/NAME`` get it when the task is served.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from turkctl import paths

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PARAMETER = "turkctlFiles"
"""The parameter of a frame's address that has the token."""
LASTS = 24 * 3600
"""Seconds for which a token works, at least; it changes once an hour, so that browsers can keep what they have."""
_HOUR = 3600
_ADDRESS = re.compile(r"/content/files/([0-9a-f]{72})/(.+)")
_NAMED = re.compile(r"/content/files/|\\u002fcontent\\u002ffiles\\u002f")
_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "svg": "image/svg+xml",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "oga": "audio/ogg",
    "opus": "audio/ogg",
    "m4a": "audio/mp4",
    "flac": "audio/flac",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "webm": "video/webm",
    "ogv": "video/ogg",
    "mov": "video/quicktime",
    "txt": "text/plain",
    "csv": "text/csv",
    "json": "application/json",
    "vtt": "text/vtt",
    "pdf": "application/pdf",
    "html": "text/html",
    "htm": "text/html",
}
"""Types by the ends of names; every other file is offered to be saved."""
_OTHER = "application/octet-stream"
_DOCUMENTS = ("image/svg+xml", "text/html")
"""Types that can have scripts, which must not run."""
_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class FilesFolder:
    """A folder whose files tasks can show.

    Attributes:
        root: the folder.
        key: signs the addresses.
        seconds: returns the real time.
    """

    root: Path
    key: str
    seconds: Callable[[], float]

    def token(self, worker_id: str) -> str:
        """Return what makes addresses of files work for a worker."""
        end = (int(self.seconds()) // _HOUR + 1) * _HOUR + LASTS
        who = hashlib.sha256(f"{self.key}:{worker_id}".encode()).hexdigest()[:24]
        return f"{end:08x}{who}{self._mark(end, who)}"

    def accepts(self, token: str) -> bool:
        """Return whether a token is one of ours that still works."""
        if not re.fullmatch("[0-9a-f]{72}", token):
            return False
        end, who = int(token[:8], 16), token[8:32]
        return hmac.compare_digest(token[32:], self._mark(end, who)) and self.seconds() < end

    def _mark(self, end: int, who: str) -> str:
        return hmac.new(self.key.encode(), f"files:{end}:{who}".encode(), hashlib.sha256).hexdigest()[:40]

    def addressed(self, page: str, token: str) -> str:
        """Return a task's page whose addresses of files have the token; unchanged if it is none."""
        if not self.accepts(token):
            return page
        return _NAMED.sub(lambda found: found[0] + token + ("/" if found[0].endswith("/") else "\\u002f"), page)

    def find(self, name: str) -> Path | None:
        """Return the file with this name in the folder; None for hidden ones, folders, and what leads out of it."""
        parts = name.split("/")
        if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
            return None
        try:
            root = self.root.resolve()
            found = root.joinpath(*parts).resolve()
        except (OSError, ValueError, RuntimeError):
            return None
        return found if found.is_relative_to(root) and paths.is_file(found) else None


def file_answer(folder: FilesFolder, path: str, environ: WSGIEnvironment) -> WSGIApplication | None:
    """Return what answers a request for a file; None if there is none at this path.

    Args:
        folder: where files are.
        path: as WSGI has it.
        environ: of the request, which may ask for a part.
    """
    from werkzeug.exceptions import RequestedRangeNotSatisfiable
    from werkzeug.utils import send_file

    try:
        wanted = _ADDRESS.fullmatch(path.encode("latin-1").decode())
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None
    found = folder.find(wanted[2]) if wanted and folder.accepts(wanted[1]) else None
    if found is None:
        return None
    kind = _TYPES.get(found.suffix[1:].lower(), _OTHER)
    try:
        answer = send_file(found, environ, mimetype=kind, as_attachment=kind == _OTHER, conditional=True, max_age=_HOUR)
    except RequestedRangeNotSatisfiable:
        return _unsatisfiable
    except OSError:  # it is gone, or nobody may read it
        return None
    answer.headers["Cache-Control"] = f"private, max-age={_HOUR}"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if kind in _DOCUMENTS:
        answer.headers["Content-Security-Policy"] = _POLICY
    return answer


def _unsatisfiable(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    start_response(f"{status.value} {status.phrase}", [("Content-Length", "0"), ("Cache-Control", "no-store")])
    return [b""]
