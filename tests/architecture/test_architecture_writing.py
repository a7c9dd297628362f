"""One module opens files to write to them; it knows what must not be replaced, and leaves nothing half done."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from source_trees import trees

WRITER = "outputs.py"
"""The module that opens files to write to them."""

ALLOWED = {
    ("cli/__init__.py", "open"): "the null device, for standard streams that are closed",
    ("archive/folder.py", "sqlite3.connect"): "to databases that sqlite_files has made",
    ("cli/root.py", "os.open"): "the null device, for a reader that is gone",
    ("market/flushes.py", "os.open"): "waits for the disk; writes nothing",
    ("market/backup.py", "sqlite3.connect"): "in a place that outputs lends",
    ("sqlite_files.py", "sqlite3.connect"): "in a temporary folder, which is removed",
    ("store/names.py", "sqlite3.connect"): "only to read, from a file that is there",
    ("store/staging.py", "sqlite3.connect"): "in a temporary folder, which is removed",
    ("operations/participants/export_formats.py", "parquet.ParquetWriter"): "into a file that was opened by outputs",
}
"""Places that may open something themselves, and why."""

FUNCTIONS = {
    "os": ("open", "fdopen", "replace", "rename", "renames", "link", "symlink", "truncate", "mkfifo", "mknod"),
    "shutil": ("copy", "copy2", "copyfile", "copyfileobj", "copytree", "move", "make_archive", "unpack_archive"),
    "tempfile": ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "mkstemp", "mktemp"),
    "sqlite3": ("connect",),
    "np": ("save", "savez", "savez_compressed", "savetxt"),
    "numpy": ("save", "savez", "savez_compressed", "savetxt"),
    "zipfile": ("ZipFile",),
    "tarfile": ("open", "TarFile"),
    "shelve": ("open",),
    "pa": ("OSFile", "output_stream", "memory_map"),
    "parquet": ("ParquetWriter", "write_table", "write_to_dataset", "write_metadata"),
}
METHODS = (
    *("write_text", "write_bytes", "symlink_to", "hardlink_to", "tofile"),
    *("to_csv", "to_parquet", "to_json", "to_excel", "to_pickle", "to_feather", "to_hdf", "to_sql", "to_html"),
    *("write_csv", "write_feather", "write_dataset", "FileHandler", "RotatingFileHandler", "TimedRotatingFileHandler"),
)
OPENERS = ("open", "io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "os.fdopen")
_MODE = re.compile(r"[rwaxbtU+]{1,4}")


def _is_writing_mode(node: ast.expr | None) -> bool:
    """Whether a mode opens for writing; one that is worked out may."""
    if node is None:
        return False
    if not isinstance(node, ast.Constant):
        return True
    return isinstance(node.value, str) and bool(_MODE.fullmatch(node.value)) and bool(set(node.value) & set("wax+"))


def _opens(call: ast.Call, name: str) -> bool:
    """Whether a call of some ``open`` opens for writing: its mode comes second, and first where it is a method."""
    place = 1 if name in OPENERS else 0
    named = next((each.value for each in call.keywords if each.arg == "mode"), None)
    given = call.args[place] if len(call.args) > place else None
    if place == 0 and not isinstance(given, ast.Constant):
        given = None  # webbrowser.open(address), say; Path.open takes its mode as a word
    return _is_writing_mode(named) or _is_writing_mode(given)


def _is_method_of_paths(call: ast.Call, attribute: str) -> bool:
    """``path.replace(other)`` and its kind, which texts and times have with other arguments."""
    if attribute in ("replace", "rename"):
        return len(call.args) == 1 and not call.keywords
    return attribute == "touch" and not call.args


def ways(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the name of everything in a module that makes or writes a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in FUNCTIONS:
            for each in node.names:
                if each.name in FUNCTIONS[node.module]:
                    yield node.lineno, f"{node.module}.{each.name}"
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        owner, _, attribute = name.rpartition(".")
        if (
            attribute in FUNCTIONS.get(owner, ())
            or attribute in METHODS
            or (attribute == "open" and _opens(node, name))
            or (owner not in ("", "dataclasses") and _is_method_of_paths(node, attribute))
        ):
            yield node.lineno, name


@pytest.mark.parametrize(
    "source",
    [
        "open(name, 'w')",
        "open(name, mode='ab')",
        "open(name, mode)",
        "io.open(name, 'r+')",
        "path.open('x')",
        "path.open(mode='w')",
        "path.write_text(text)",
        "path.write_bytes(data)",
        "path.touch()",
        "path.replace(other)",
        "path.rename(other)",
        "path.symlink_to(other)",
        "os.open(name, flags)",
        "os.replace(a, b)",
        "os.link(a, b)",
        "from os import replace",
        "from tempfile import mkstemp",
        "shutil.copy(a, b)",
        "shutil.move(a, b)",
        "tempfile.NamedTemporaryFile()",
        "tempfile.mkstemp()",
        "sqlite3.connect(name)",
        "frame.to_csv(name)",
        "frame.to_parquet(name)",
        "parquet.write_table(table, name)",
        "parquet.ParquetWriter(name, schema)",
        "np.savetxt(name, array)",
        "zipfile.ZipFile(name, 'w')",
        "logging.FileHandler(name)",
    ],
)
def test_each_way_of_writing_a_file_is_seen(source: str) -> None:
    assert list(ways(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "open(name)",
        "open(name, 'rb')",
        "path.open(encoding='utf-8')",
        "path.open('rb')",
        "webbrowser.open(address)",
        "market.open(switches=None)",
        "text.replace('a', 'b')",
        "moment.replace(microsecond=0)",
        "hit_types.touch(tx, hit_type)",
        "hit_rows.save(tx, before, hit)",
        "dataclasses.replace(hit)",
        "shutil.which('turkctl')",
    ],
)
def test_what_writes_no_file_is_let_be(source: str) -> None:
    assert list(ways(ast.parse(source))) == []


def test_only_one_module_writes_files() -> None:
    found = [(path, *each) for path, module in trees() if path != WRITER for each in ways(module)]
    assert [each for each in found if (each[0], each[2]) not in ALLOWED] == [], "write through turkctl.outputs"
