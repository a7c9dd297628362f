"""Pages that a command writes to a file or opens in the browser."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from turkctl.errors import UsageError

if TYPE_CHECKING:
    from turkctl.operations.experiments.preview import Preview


def write_page(shown: Preview, file: Path) -> Path:
    """Write what can be seen of a preview.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        file.write_text(shown.page or shown.text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}", hint="name a file in a folder that exists") from None
    return file


def open_page(shown: Preview, file: Path | None) -> str:
    """Show the preview in the browser; the address that was opened.

    Raises:
        UsageError: the file cannot be written, or there is no browser.
    """
    import webbrowser

    from turkctl.operations.experiments.preview import with_parameters

    if file is None and shown.url is not None:
        address = shown.url
    else:
        if file is None:
            file = Path(tempfile.mkdtemp(prefix="turkctl-")) / "preview.html"
        address = with_parameters(write_page(shown, file).resolve().as_uri())
    if not webbrowser.open(address):
        raise UsageError(f"no browser could be started for {address}", hint="write it with --file instead")
    return address
