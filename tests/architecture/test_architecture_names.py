"""One word, one thing: a class has a name of its own, so that whoever reads it knows which one is meant."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from source_trees import trees

SHARED = {
    "Assignment": {"mturk.types", "store.assignments"},  # the API's own word: as the market tells it, and as a row
    "Hit": {"market.hit_rows", "mturk.types", "store.hits"},  # likewise, and as a row of the market's
}


def test_no_two_classes_have_one_name() -> None:
    named: defaultdict[str, set[str]] = defaultdict(set)
    for path, tree in trees():
        module = ".".join(Path(path).with_suffix("").parts)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                named[node.name].add(module)
    assert {name: modules for name, modules in named.items() if len(modules) > 1} == SHARED
