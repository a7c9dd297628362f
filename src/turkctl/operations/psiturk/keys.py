"""psiTurk's keys: their defaults, their older names, their settings in turkctl, and why some have none."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

DEFAULTS = {
    "database_url": "sqlite:///participants.db",
    "table_name": "assignments",
    "lifetime": "24",
    "us_only": "true",
    "approve_requirement": "95",
    "launch_in_mode": "sandbox",
    "ad_url_protocol": "https",
    "ad_url_port": "443",
    "ad_url_route": "pub",
}
"""psiTurk 3's defaults for the keys that matter here."""
ALIASES = {
    "hit_lifetime": "lifetime",
    "amt_keywords": "keywords",
    "code_version": "experiment_code_version",
    "question_url": "ad_url",
}
"""Names in older versions."""
TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")
SECRET = re.compile(r"password|passwd|_pw$|secret|access_key|^psiturk_.*id|token")


TABLE = ("assignments_table_name", "table_name")
"""Names of the table of participants; the first one that is given counts."""
OLD_MODE = ("launch_in_sandbox_mode", "using_sandbox")


def _hours(value: str) -> str:
    minutes = float(value) * 60
    if not 1 <= minutes <= 60 * 24 * 366:
        raise ValueError
    return f"{minutes / 60:.0f}h" if minutes % 60 == 0 else f"{minutes:.0f}m"


def _words(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]


def _true(value: str) -> bool | None:
    if value.lower() not in (*TRUE, *FALSE):
        raise ValueError
    return True if value.lower() in TRUE else None


def _us_only(value: str) -> list[str] | None:
    return ["US"] if _true(value) else None


def _count(value: str) -> int | None:
    return int(value) or None


def _money(value: str) -> str:
    return f"{float(value):.2f}"


def _required(value: str) -> list[dict[str, str]]:
    return [{"type": word, "comparator": "Exists"} for word in _words(value)]


def _text(value: str) -> str:
    return value


EXPERIMENT: dict[str, tuple[str, Callable[[str], Any]]] = {
    "experiment_code_version": ("code_version", _text),
    "title": ("title", _text),
    "description": ("description", _text),
    "keywords": ("keywords", _words),
    "reward": ("reward", _money),
    "duration": ("duration", _hours),
    "lifetime": ("lifetime", _hours),
    "us_only": ("qualifications.locale", _us_only),
    "approve_requirement": ("qualifications.percent_approved", _count),
    "number_hits_approved": ("qualifications.hits_approved", _count),
    "require_master_workers": ("qualifications.masters", _true),
    "block_quals": ("qualifications.absent", _words),
    "require_quals": ("qualifications.custom", _required),
}
_PER_MODE = "turkctl has one set of qualifications for all modes: add it under qualifications"
_SERVER = "only psiTurk's server uses it, and still reads its own file"
_DASHBOARD = "turkctl's dashboard has settings of its own: see [dashboard]"
WHY = {
    "num_conds": "psiTurk's server assigns conditions, and still reads its own file",
    "num_counters": "psiTurk's server assigns conditions, and still reads its own file",
    "allow_repeats": "turkctl keeps repeat workers out of campaigns; to let them in: campaign create "
    "--allow-repeat-workers",
    "advanced_quals_path": "write what is in that file under qualifications",
    "bonus_message": "give it when you pay: workers bonus --reason TEXT",
    "do_scheduler": _DASHBOARD,
    "threads": _DASHBOARD,
    **dict.fromkeys(("require_quals_live", "require_quals_sandbox", "block_quals_live"), _PER_MODE),
    **dict.fromkeys(("block_quals_sandbox", "advanced_quals_path_live", "advanced_quals_path_sandbox"), _PER_MODE),
    **dict.fromkeys(("host", "port", "cutoff_time", "browser_exclude_rule", "contact_email_on_error"), _SERVER),
    **dict.fromkeys(("logfile", "accesslog", "errorlog", "loglevel", "debug", "certfile", "keyfile"), _SERVER),
    **dict.fromkeys(("server_timeout", "persistent_history_file", "support_ie"), _SERVER),
    "max_assignments": "give it when you post: hits create --assignments N",
    "ad_group": "it was for psiTurk's ad server, which is gone",
    "psiturk_keywords": "it was for psiTurk's ad server, which is gone",
    "organization_name": "it was for psiTurk's ad server, which is gone",
}
ENABLE_DASHBOARD, LOGIN_NAME = "enable_dashboard", "login_username"
USED = {
    *DEFAULTS,
    *EXPERIMENT,
    *OLD_MODE,
    *TABLE,
    "ad_url",
    "ad_url_domain",
    "ad_url_host",
    ENABLE_DASHBOARD,
    LOGIN_NAME,
}
KNOWN = USED | set(ALIASES) | set(WHY)
