"""What a signal handler may do while the main thread waits."""

from __future__ import annotations

import threading

from turkctl.cli.batch import set_in_handler


def test_an_event_whose_lock_the_main_thread_holds_is_set_after_it_lets_go() -> None:
    event = threading.Event()
    with event._cond:  # type: ignore[attr-defined]  # the moment in which a signal may come
        set_in_handler(event)
        assert not event.is_set()
    assert event.wait(60)


def test_an_event_is_set_at_once_otherwise() -> None:
    event = threading.Event()
    set_in_handler(event)
    assert event.is_set()
