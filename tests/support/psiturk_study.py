"""A study as psiTurk 3 leaves it: its configuration, and its tables with all that they hold."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Boolean, Column, DateTime, Float, Integer, LargeBinary, MetaData, String, Table, create_engine

from turkctl.store.engine import parse_url
from turkctl.store.participants import participants_table

CONFIG = """\
[HIT Configuration]
title = Stroop task
description = Judge the colour of words; 100% fun.
keywords = Perception, Psychology
lifetime = 24
us_only = true
approve_requirement = 95
ad_url_domain = stroop.example.org

[Database Parameters]
database_url = {url}
table_name = people

[Server Parameters]
host = 0.0.0.0
login_pw = hush-login
secret_key = hush-secret

[Task Parameters]
experiment_code_version = 1.0
num_conds = 2

[Shell Parameters]
launch_in_mode = live

[AWS Access]
aws_access_key_id = AKIAHUSH
aws_secret_access_key = hush-aws
"""

_META = MetaData()
HITS = Table("amt_hit", _META, Column("hitid", String(128), primary_key=True))
CAMPAIGNS = Table(
    "campaign",
    _META,
    Column("id", Integer, primary_key=True),
    Column("codeversion", String(128), nullable=False),
    Column("mode", String(128), nullable=False),
    Column("goal", Integer, nullable=False),
    Column("minutes_between_rounds", Integer, nullable=False),
    Column("assignments_per_round", Integer, nullable=False),
    Column("hit_reward", Float, nullable=False),
    Column("hit_duration_hours", Float, nullable=False),
    Column("is_active", Boolean),
    Column("created", DateTime),
    Column("ended", DateTime),
)
JOBS = Table(
    "apscheduler_jobs",
    _META,
    Column("id", String(191), primary_key=True),
    Column("next_run_time", Float(25), index=True),
    Column("job_state", LargeBinary, nullable=False),
)


def job_state(function: str, arguments: tuple[Any, ...], protocol: int = 5, **fields: Any) -> bytes:
    """What APScheduler 3 stores of a job at an interval of an hour."""
    state = {
        "version": 1,
        "id": "job",
        "func": function,
        "trigger": IntervalTrigger(minutes=60),
        "executor": "default",
        "args": arguments,
        "kwargs": {},
        "name": "job",
        "misfire_grace_time": 1,
        "coalesce": True,
        "max_instances": 1,
        "next_run_time": datetime(2026, 9, 1, 10, tzinfo=UTC),
    }
    return pickle.dumps(state | fields, protocol)


def fill(url: str, hit_ids: tuple[str, ...] = ("3HIT0", "3HIT1"), mode: str = "live") -> None:
    """Make psiTurk's tables with six participants, two campaigns (one active), and two jobs."""
    engine = create_engine(parse_url(url))
    people = participants_table("people")
    began = datetime.fromisoformat("2026-09-01T10:00")  # psiTurk's times have no zone
    with engine.begin() as connection:
        for table in (HITS, CAMPAIGNS, JOBS, people):
            table.create(connection)
        connection.execute(HITS.insert(), [{"hitid": hit_id} for hit_id in hit_ids])
        rows = [
            {
                "uniqueid": f"AW{number:06d}:3A{number}",
                "assignmentid": f"3A{number}",
                "workerid": f"AW{number:06d}",
                "hitid": hit_ids[0],
                "cond": number % 2,
                "codeversion": "1.0",
                "beginhit": began,
                "bonus": 0.25,
                "status": status,
                "mode": mode,
                "datastring": '{"data": []}',
            }
            for number, status in enumerate((4, 4, 5, 7, 2, 6))
        ]
        connection.execute(people.insert(), rows)
        common = {"codeversion": "1.0", "mode": mode, "assignments_per_round": 9, "minutes_between_rounds": 30}
        old = {"id": 1, "goal": 4, "hit_reward": 0.5, "hit_duration_hours": 1.0, "is_active": False}
        new = {"id": 2, "goal": 40, "hit_reward": 0.75, "hit_duration_hours": 0.5, "is_active": True}
        connection.execute(
            CAMPAIGNS.insert(),
            [
                common | old | {"created": began.replace(month=8, microsecond=5), "ended": began},
                common | new | {"created": began, "ended": None},
            ],
        )
        jobs = {
            "approve_all": job_state("psiturk.tasks:do_approve_all", (mode,)),
            "campaign-2": job_state("psiturk.tasks:do_campaign_round", ()),
        }
        connection.execute(
            JOBS.insert(), [{"id": name, "next_run_time": 1.0, "job_state": state} for name, state in jobs.items()]
        )
    engine.dispose()


def dump(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of psiTurk's tables."""
    engine = create_engine(parse_url(url))
    with engine.connect() as connection:
        found = {
            table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=lambda row: str(row[0]))
            for table in (HITS, CAMPAIGNS, JOBS, participants_table("people"))
        }
    engine.dispose()
    return found


def write_config(folder: Path, url: str = "sqlite:///participants.db") -> Path:
    """psiTurk's ``config.txt`` in the folder."""
    path = folder / "config.txt"
    path.write_text(CONFIG.format(url=url), encoding="utf-8")
    return path
