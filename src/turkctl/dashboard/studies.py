"""Open the study in each mode once, for all threads of the server."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from turkctl.scheduler.worlds import in_mode

if TYPE_CHECKING:
    from turkctl.context import Context


class Studies:
    """The study by mode. Contexts are opened when a mode is first used, and shared."""

    def __init__(self, context: Context) -> None:
        self._own = context
        self._contexts = {context.settings.mode: context}
        self._lock = threading.Lock()
        self.first_mode = context.settings.mode
        """The mode of the settings, in which sessions begin."""

    def __call__(self, mode: str) -> Context:
        """Return the context of a mode; opens no database and no market."""
        with self._lock:
            if mode not in self._contexts:
                self._contexts[mode] = type(self._own)(in_mode(self._own.settings, mode))
            context = self._contexts[mode]
            context.look_again()
            return context

    def close(self) -> None:
        """Close the contexts that were opened here."""
        with self._lock:
            for context in self._contexts.values():
                if context is not self._own:
                    context.close()
