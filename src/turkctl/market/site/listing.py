"""List the HITs that are open to somebody, and send the addresses that tools print to them."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.market.open_work import Group
from turkctl.market.site.desk import me, parts

pages = Blueprint("listing", __name__)

PER_PAGE = 20
BY_REWARD = "reward"
SORTS: dict[str, tuple[str, Callable[[Group], object]]] = {
    "newest": ("newest", lambda group: group.created),
    BY_REWARD: ("reward", lambda group: group.reward),
    "most": ("most HITs", lambda group: (group.more, group.left)),
}


@pages.get("/worker")
def index() -> ResponseReturnValue:
    """Show what is open to me, by group."""
    words = request.args.get("search", "").strip()
    sort = request.args.get("sort", "newest")
    sort = sort if sort in SORTS else "newest"
    found = [each for each in parts().market.groups(parts().environment, me().worker_id) if _has(each, words)]
    found.sort(key=SORTS[sort][1], reverse=True)  # type: ignore[arg-type]  # keys of one sort compare
    paid = any(each.reward for each in found)
    page = max(1, request.args.get("page", 1, int))
    start = (page - 1) * PER_PAGE

    def address(number: int) -> str:
        return url_for("listing.index", search=words or None, sort=sort, page=number)

    return render_template(
        "market/list.html",
        groups=parts().market.with_pay(parts().environment, found[start : start + PER_PAGE]),
        total=len(found),
        page=page,
        has_more=len(found) > start + PER_PAGE,
        address=address,
        search=words,
        sort=sort,
        sorts=[(name, shown) for name, (shown, _) in SORTS.items() if paid or name != BY_REWARD],
        paid=paid,
    )


def _has(group: Group, words: str) -> bool:
    text = f"{group.title} {group.description} {group.keywords} {group.requester_id}".casefold()
    return all(word in text for word in words.casefold().split())


@pages.get("/mturk/preview")
def preview() -> ResponseReturnValue:
    """Send an address that tools print to the first HIT of its group."""
    return _to_group(request.args.get("groupId", ""))


@pages.get("/projects/<group_id>/tasks")
def tasks(group_id: str) -> ResponseReturnValue:
    """Send the other address that tools print to the first HIT of its group."""
    return _to_group(group_id)


def _to_group(group_id: str) -> ResponseReturnValue:
    if not group_id:
        abort(404)
    hit_id = parts().market.first_of_group(parts().environment, me().worker_id, group_id)
    if hit_id is None:
        flash("Nothing of that group is open to you.", "warning")
        return redirect(url_for("listing.index"), 303)
    return redirect(url_for("tasks.hit", hit_id=hit_id), 303)
