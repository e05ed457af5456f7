"""Comments, docs and the page's words put the subject first."""

from __future__ import annotations

import re
from itertools import chain

from tests.support import ROOT

FOLDERS = ("api", "deploy", "docs", "processor", "tests", "tradewire", "web/src", "web/test", "wsserver")
CLAUSE = re.compile(r"\b(who|whoever|what|nobody|one) (is|has|that|are)\b|\bis none\b")
"""Clauses that a reader has to take apart: the subject is a pronoun for words that come later, or that never come."""
SUFFIXES = {".md", ".py", ".ts"}
CLAUSES_MAX = 40


def test_clauses_with_a_pronoun_as_their_subject_are_rare() -> None:
    paths = chain(ROOT.glob("*.md"), *((ROOT / folder).rglob("*.*") for folder in FOLDERS))
    texts = {path.relative_to(ROOT): path.read_text() for path in paths if path.suffix in SUFFIXES}
    found = [f"{path}: {clause[0]}" for path, text in texts.items() for clause in CLAUSE.finditer(text)]
    assert len(found) <= CLAUSES_MAX, found
