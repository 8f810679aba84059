"""docs/security.md: it covers every requirement of ASVS 5.0.0 at level 2."""

import re

from tests.servers.processes import ROOT

DOCUMENT = (ROOT / "docs/security.md").read_text()

# How many requirements of levels 1 and 2 each chapter has. V10 and V17 do not apply, as a whole.
REQUIREMENTS = {1: 27, 2: 11, 3: 19, 4: 10, 5: 9, 6: 35, 7: 18, 8: 7, 9: 7}
REQUIREMENTS |= {11: 14, 12: 9, 13: 13, 14: 9, 15: 13, 16: 16}


def test_it_names_each_requirement():
    chapters = re.split(r"^## V", DOCUMENT, flags=re.MULTILINE)[1:]
    numbers = {int(text.split()[0]): set(re.findall(r"\b\d+\.\d+\.\d+\b", text)) for text in chapters}
    assert {chapter: len(numbers[chapter]) for chapter in REQUIREMENTS} == REQUIREMENTS


def test_each_row_has_a_status():
    rows = re.findall(r"^\| \d[\d., ]* \|.*\| (.*) \|.*\|$", DOCUMENT, re.MULTILINE)
    assert len(rows) > 100
    assert set(rows) <= {"yes", "partly", "no", "operator", "n/a"}
