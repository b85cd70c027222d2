"""The page brings old unsaved copies over by the same tables as the server its old scenes."""

from __future__ import annotations

import re

import pytest

from backend.plan.upgrade import OPTIONS, STARTS
from backend.scene.upgrade import LAYER_FIELDS
from tests.rules.tree import ROOT

SCRIPT = (ROOT / "ui" / "web" / "model" / "upgrade.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "table"), [("LAYER_FIELDS", LAYER_FIELDS), ("OPTIONS", OPTIONS), ("STARTS", STARTS)]
)
def test_the_tables_are_the_servers(name: str, table: dict[str, str]) -> None:
    found = re.search(rf"const {name} = Object\.freeze\(\{{(.*?)\}}\)", SCRIPT, re.DOTALL)
    assert found
    assert dict(re.findall(r'(\w+): "(\w+)"', found[1])) == dict(table)
