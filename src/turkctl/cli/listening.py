"""The options of commands that serve something: where to listen, and with how many threads."""

from __future__ import annotations

from typing import Annotated

import typer

Host = Annotated[str, typer.Option("--host", metavar="HOST", help="Address to listen on.")]
Port = Annotated[
    int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port to listen on; 0 picks a free one.")
]
Threads = Annotated[
    int, typer.Option("--threads", metavar="N", min=1, max=256, help="Number of requests answered at the same time.")
]
