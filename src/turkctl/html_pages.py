"""The common part of reports as HTML: one page in light and dark, without scripts or anything loaded from elsewhere."""

from __future__ import annotations

from string import Template

_START = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { --ink: #1b1f24; --soft: #5b6470; --line: #d9dee4; --back: #ffffff; --panel: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #9aa4b0; --line: #343b44; --back: #14171b;
  --panel: #1c2026; } }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0 .75rem; color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; font-size: .85rem; }
"""
_MIDDLE = """</style>
</head>
<body>
<h1>$title</h1>
<p>$subtitle</p>
"""
_END = """
</body>
</html>
"""


def page_template(style: str, body: str) -> Template:
    """Return a page that asks for ``title`` and ``subtitle``, and for whatever else ``body`` has placeholders for.

    Args:
        style: CSS after the common rules.
        body: HTML below the title; its placeholders are filled with text that is harmless already.
    """
    return Template(_START + style + _MIDDLE + body + _END)
