"""No control or bidirectional character reaches a terminal or a report."""

from __future__ import annotations

import io
import logging
import sys
import unicodedata

import pytest

from turkctl.harmless import HarmlessStream, harmless, harmless_html, harmless_streams, unfiltered


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_every_control_and_every_bidirectional_character_is_shown_as_an_escape() -> None:
    turning = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    for code in range(sys.maxunicode + 1):
        sign = chr(code)
        if (unicodedata.category(sign) == "Cc" and sign not in "\t\n") or unicodedata.bidirectional(sign) in turning:
            assert harmless(f"a{sign}b") in (f"a\\x{code:02x}b", f"a\\u{code:04x}b")
    assert harmless("\u200e\u200f\u061c\u2028\u2029") == r"\u200e\u200f\u061c\u2028\u2029"


@pytest.mark.parametrize("text", ["", "plain\ttext\n", "שלום عليكم", "日本語 ä €", "[31m]", "\\x1b", "👩‍🔬"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


def test_html_shows_them_too() -> None:
    assert harmless_html("<b>\u202e\x1b") == r"&lt;b&gt;\u202e\x1b"


def test_standard_error_is_filtered_and_standard_output_where_it_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for out in (Terminal(), io.StringIO()):
        err = io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        with harmless_streams():
            logging.StreamHandler(sys.stderr).emit(logging.makeLogRecord({"msg": "log\x1b"}))
            sys.stdout.writelines(["\u202ea\n"])
            sys.stderr.write("\x9bb\n")
            unfiltered(sys.stdout).write("\x1b[1m")
        assert (sys.stdout, sys.stderr) == (out, err)
        assert out.getvalue() == (r"\u202ea" if out.isatty() else "\u202ea") + "\n\x1b[1m"
        assert err.getvalue() == "log\\x1b\n\\x9bb\n"


def test_the_filter_is_a_stream_like_the_one_behind_it() -> None:
    stream = HarmlessStream(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert (stream.write("a\x1b"), stream.encoding, stream.isatty()) == (2, "utf-8", False)
    with pytest.raises(TypeError):
        stream.write(b"")  # type: ignore[arg-type]  # what click asks of a stream to find out what it takes
