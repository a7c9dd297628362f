"""Where no terminal shows a bar, a long command says now and then how long it will still take."""

from __future__ import annotations

from turkctl.cli.remaining import EVERY, TimeLeft


def test_progress_is_noted_once_a_minute_with_the_time_left_at_the_pace_of_this_run() -> None:
    now, said = [0.0], list[str]()
    left = TimeLeft(lambda: now[0], said.append)
    left.note(1000, 4000)  # an earlier run did these
    for second in range(1, 181):
        now[0] = float(second)
        left.note(1000 + 10 * second, 4000)
    assert len(said) == int(180 / EVERY)
    assert said[0] == "1,600 of 4,000 calls known so far, 4 min left at this pace"
    assert said[-1] == "2,800 of 4,000 calls known so far, 2 min left at this pace"


def test_nothing_is_noted_without_a_listener_or_without_progress() -> None:
    now, said = [0.0], list[str]()
    quiet, still = TimeLeft(lambda: now[0], None), TimeLeft(lambda: now[0], said.append)
    for second in range(200):
        now[0] = float(second)
        quiet.note(second, 1000)
        still.note(5, 1000)
    assert said == []
