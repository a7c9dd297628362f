"""Pages that a command writes to a file or opens in the browser."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from turkctl.errors import UsageError
from turkctl.outputs import Protected, writing_text

if TYPE_CHECKING:
    from turkctl.operations.experiments.preview import Preview


def write_page(shown: Preview, file: Path, protected: Protected) -> Path:
    """Write what can be seen of a preview; return where.

    Raises:
        UsageError: the file cannot be written, or is not to be replaced.
    """
    for source in shown.sources:
        protected = protected.plus(source, "what the preview is made of")
    with writing_text(file, protected) as out:
        out.write(shown.page or shown.text)
    return file


def open_page(shown: Preview, file: Path | None, protected: Protected) -> str:
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
        address = with_parameters(write_page(shown, file, protected).resolve().as_uri())
    if not webbrowser.open(address):
        raise UsageError(
            f"cannot start a browser for {address}", hint="leave --open out, and write the page with --file"
        )
    return address
