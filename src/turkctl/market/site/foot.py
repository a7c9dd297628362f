"""Show the note on privacy."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from turkctl.market.site.desk import ROOT, parts

pages = Blueprint("foot", __name__, url_prefix=ROOT)


@pages.get("/privacy")
def privacy() -> ResponseReturnValue:
    """Show the note on privacy, before anybody signs in, too."""
    note = parts().foot.privacy
    if note is None:
        abort(404, "There is no note on privacy here.")
    return render_template("market/privacy.html", note=note)
