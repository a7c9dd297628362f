"""Parse an HTML page into elements and scripts with their lines, for the rules of ``experiments lint``. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

LOCAL = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Tag:
    """An element: its name and attributes in lower case, and its line, counted from 1."""

    name: str
    attributes: dict[str, str]
    line: int


@dataclass
class PageFacts:
    """A page's elements and the texts of its scripts, in order."""

    text: str
    tags: list[Tag] = field(default_factory=list)
    scripts: list[tuple[int, str]] = field(default_factory=list)
    """(line, text) of scripts in the page and in attributes such as onclick."""

    def named(self, *names: str) -> list[Tag]:
        """Return the elements with these names."""
        return [tag for tag in self.tags if tag.name in names]

    @property
    def crowd(self) -> bool:
        """Return whether the page leaves the form and its submission to crowd elements."""
        return any(tag.name == "crowd-form" for tag in self.tags)

    def scripted(self, *words: str) -> bool:
        """Return whether a script of the page, or a script's address, contains one of the words."""
        addresses = [tag.attributes.get("src", "") for tag in self.named("script")]
        return any(word in text for word in words for text in [*(text for _line, text in self.scripts), *addresses])


class _PageReader(HTMLParser):
    def __init__(self, page: PageFacts) -> None:
        super().__init__()
        self._page = page
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        attributes = {name: value or "" for name, value in attrs}
        if "type" in attributes:  # HTML ignores its case
            attributes["type"] = attributes["type"].lower()
        self._page.tags.append(Tag(tag, attributes, line))
        self._page.scripts += [(line, value) for name, value in attributes.items() if name.startswith("on")]
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self._page.scripts.append((self.getpos()[0], data))


def read_page(text: str) -> PageFacts:
    """Return the facts of a page, as far as broken HTML can be read."""
    page = PageFacts(text)
    reader = _PageReader(page)
    reader.feed(text)
    reader.close()
    return page
