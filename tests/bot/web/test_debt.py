# SPDX-License-Identifier: GPL-2.0-or-later
import json
import re
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from starlette.testclient import TestClient

from bot.debt.counts import Counts
from bot.debt.report import DebtReport, Ref, as_json, build_report
from bot.store.debt import debt_path
from bot.web.debt import debt_view
from tests.bot.web.conftest import Get, fill_debt


def _report(subsystems: int = 2, refs: int = 2) -> DebtReport:
    sums = [
        {f"GROUP {number}": Counts(2, number + ref, 1, undocumented=ref) for number in range(subsystems)}
        | {"IDLE": Counts(1)}
        for ref in range(refs)
    ]
    return build_report("linux.git", [Ref(f"v{number}", str(number) * 40) for number in range(refs)], sums)


def test_the_page_has_the_numbers_of_the_command(path: Path, get: Get) -> None:
    fill_debt(path)
    rows = [re.sub(r"<[^>]*>", " ", row).split() for row in re.findall(r"<tr>.*?</tr>", get("/debt"))]

    assert ["v7.3", "3", "1,200", "1", "2", "1", "5", "3", "2", "4/8", "50%"] in rows
    assert ["LEDS", "v6.12", "2", "10", "1", *["\u2013"] * 5, "1/4", "25%"] in rows
    assert ["change", "+2", "+1,197", "=", "+2", "+1", "+5", "+3", "+2", "+3/+4"] in rows
    assert json.loads(get("/api/debt"))["total"]["counts"][1]["blocks"] == 1_207


def test_charts_have_a_title_labels_and_a_table(path: Path, get: Get) -> None:
    fill_debt(path)
    text = get("/debt")
    charts = [ET.fromstring(figure) for figure in re.findall(r"<figure.*?</figure>", text, re.DOTALL)]

    assert len(charts) == 2
    assert len(re.findall(r"<table", text)) == 2
    for chart in charts:
        caption = chart.find("figcaption")
        assert caption is not None
        assert chart.get("aria-labelledby") == caption.get("id")
        assert all((item.text or "").strip() for item in chart.iter("li"))
    bars = list(charts[0].iter("rect"))
    assert [(bar.get("class"), bar.get("width")) for bar in bars] == [
        ("documented", "0.91%"),
        ("documented", "99.59%"),
        ("undocumented", "0.8%"),
    ]
    keys = re.findall(r'<span class="key (\w+)">', text)
    assert keys == ["documented", "undocumented"] * 2
    assert all(f".key.{key}" in get("/static/style.css") for key in keys)


def test_subsystems_are_searched(path: Path, get: Get) -> None:
    fill_debt(path)

    assert "LEDS" in get("/debt?q=led")
    assert "GPU" not in get("/debt?q=led")
    assert "Show all subsystems" in get("/debt?q=x")


def test_without_counts_the_page_names_the_command(client: TestClient, path: Path) -> None:
    assert "patchwarden debt --publish REPO REF..." in unescape(client.get("/debt").text)
    assert client.get("/api/debt").status_code == 404
    assert "--publish" in client.get("/api/debt").json()["error"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b" " * 9_000_000])
def test_a_damaged_file_is_no_report(client: TestClient, path: Path, content: bytes) -> None:
    debt_path(path).write_bytes(content)

    assert "--publish" in client.get("/debt").text


def test_hostile_names_are_text(path: Path, get: Get) -> None:
    name = "</svg><script>alert(1)</script>\u202e\"'"
    report = build_report(name, [Ref(name, name)], [{name: Counts(1, 1, undocumented=1)}])
    debt_path(path).write_text(as_json(report))
    text = get("/debt")

    assert "<script" not in text
    assert text.count(unescape(name)) == 0
    assert unescape(text).count(name) >= 3


def test_the_largest_subsystems_come_first_and_the_rest_is_counted() -> None:
    view = debt_view(_report(400), "")

    assert [block.name for block in view.blocks[:2]] == ["GROUP 399", "GROUP 398"]
    assert (len(view.blocks), view.hidden, view.free) == (40, 360, 1)
    assert [(row.label, row.text) for row in view.rows[:2]] == [
        ("GROUP 399", "400 \N{RIGHTWARDS ARROW} 401, 1 undocumented"),
        ("GROUP 398", "399 \N{RIGHTWARDS ARROW} 400, 1 undocumented"),
    ]
    assert len(view.rows) == 10


def test_a_subsystem_that_is_new_has_a_line_for_each_ref() -> None:
    refs = [Ref("v1", "1"), Ref("v2", "2")]
    (block,) = debt_view(build_report("linux", refs, [{}, {"A": Counts(1, 2)}]), "").blocks

    assert [line.label for line in block.lines] == ["v1", "v2", "change"]
    assert set(block.lines[0].cells) == {"\N{EN DASH}"}
    assert block.lines[2].cells[:3] == ("+1", "+2", "=")


def test_one_tree_without_refs_has_no_change() -> None:
    view = debt_view(build_report("linux", [Ref("", "")], [{"A": Counts(1, 2)}]), "")

    assert [line.label for line in view.blocks[0].lines] == ["now"]
    assert [(row.label, row.total) for row in (*view.total_rows, *view.rows)] == [("all", 2), ("A", 2)]
