# SPDX-License-Identifier: GPL-2.0-or-later
import csv
import json
from dataclasses import replace

import pytest

from bot.debt.counts import Counts, FileDebt
from bot.debt.report import (
    NO_SUBSYSTEM,
    DebtReport,
    Ref,
    as_csv,
    as_json,
    as_text,
    build_report,
    from_json,
    sum_by_subsystem,
)

REFS = (Ref("v6.12", "1" * 40), Ref("v7.3", "2" * 40))
OLD = {"LEDS": Counts(2, 10, 1, requirements=4, addressed=1), "IDLE": Counts(1)}
NEW = {
    "LEDS": Counts(3, 1200, 1, 2, 1, undocumented=5, placeholders=3, bindings=2, requirements=8, addressed=4),
    "GPU": Counts(1, 7),
    "IDLE": Counts(1),
}


@pytest.fixture
def report() -> DebtReport:
    return build_report("linux.git", REFS, [OLD, NEW])


def test_refs_stand_below_each_other_with_their_change(report: DebtReport) -> None:
    assert """\
Unsafe code in linux.git at v6.12 (111111111111), v7.3 (222222222222)

         files blocks  fns impls traits undocumented TODO bindings    contracts
GPU
  v7.3       1      7    -     -      -            -    -        -            -
LEDS
  v6.12      2     10    1     -      -            -    -        -     1/4  25%
  v7.3       3  1,200    1     2      1            5    3        2     4/8  50%
  change    +1 +1,190    =    +2     +1           +5   +3       +2        +3/+4
Total
  v6.12      3     10    1     -      -            -    -        -     1/4  25%
  v7.3       5  1,207    1     2      1            5    3        2     4/8  50%
  change    +2 +1,197    =    +2     +1           +5   +3       +2        +3/+4

Rust, but nothing to count: IDLE.

blocks, fns, impls, traits: those that are unsafe.
undocumented: blocks and impls without a SAFETY comment, fns and traits
without a Safety section.
TODO: comments such as `SAFETY: TODO`.
bindings: names of C in drivers.
contracts: requirements of called fns and implemented traits, and how
many of them SAFETY comments mention.
""" == as_text(report)
    assert max(map(len, as_text(report).splitlines())) <= 80


def test_one_ref_has_a_row_for_each_subsystem() -> None:
    lines = as_text(build_report("linux", [Ref("", "")], [OLD])).splitlines()

    assert lines[0] == "Unsafe code in linux"
    assert lines[3:7] == [
        "LEDS",
        "             2     10    1     -      -            -    -        -     1/4  25%",
        "Total",
        "             3     10    1     -      -            -    -        -     1/4  25%",
    ]


def test_hostile_names_are_spelled_out() -> None:
    report = build_report("a\x1b[2J", [Ref("", "")], [{"LED\x1b[1m\udcff": Counts(1, 1)}])

    assert as_text(report).isascii() is False
    assert "\x1b" not in as_text(report) + as_csv(report)
    assert as_json(report).isascii()


def test_json_has_all_counts(report: DebtReport) -> None:
    data = json.loads(as_json(report))

    assert data["refs"] == [{"name": "v6.12", "commit": "1" * 40}, {"name": "v7.3", "commit": "2" * 40}]
    assert [subsystem["name"] for subsystem in data["subsystems"]] == ["GPU", "IDLE", "LEDS"]
    leds = data["subsystems"][2]
    assert [counts["coverage"] for counts in leds["counts"]] == [0.25, 0.5]
    assert (1200, 1190) == (leds["counts"][1]["blocks"], leds["change"]["blocks"])
    assert (1207, None) == (data["total"]["counts"][1]["blocks"], data["subsystems"][1]["counts"][0]["coverage"])


def test_json_of_one_ref_has_no_change() -> None:
    data = json.loads(as_json(build_report("linux", [Ref("", "")], [OLD])))

    assert list(data["total"]) == ["counts"]


def test_csv_has_a_group_of_columns_for_each_ref(report: DebtReport) -> None:
    head, *rows = csv.reader(as_csv(report).splitlines())

    assert head[:3] == ["subsystem", "v6.12 files", "v6.12 blocks"]
    assert len(head) == 31
    leds = dict(zip(head, rows[2], strict=True))
    assert ("10", "1200", "1190") == (leds["v6.12 blocks"], leds["v7.3 blocks"], leds["change blocks"])


def test_csv_of_one_ref_names_only_the_counts() -> None:
    head = as_csv(build_report("linux", [Ref("", "")], [OLD])).splitlines()[0]

    assert head.startswith("subsystem,files,blocks,functions,")


def test_subsystems_are_chosen_by_a_part_of_their_names() -> None:
    report = build_report("linux.git", REFS, [OLD, NEW], "led")

    assert [subsystem.name for subsystem in report.subsystems] == ["LEDS"]
    assert report.total.counts[0] == OLD["LEDS"]


def test_a_report_without_files() -> None:
    report = build_report("linux.git", REFS, [{}, {}])

    assert report.total.counts == (Counts(), Counts())


def test_files_are_summed_by_subsystem() -> None:
    files = [
        FileDebt("a.rs", Counts(1, 2), "LEDS"),
        FileDebt("b.rs", Counts(1, 3), "LEDS"),
        FileDebt("c.rs", Counts(1)),
    ]

    assert sum_by_subsystem(files) == {"LEDS": Counts(2, 5), NO_SUBSYSTEM: Counts(1)}


def test_json_is_read_again(report: DebtReport) -> None:
    assert from_json(as_json(report)) == report


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"repository": "linux.git"', '"repository": 1'),
        ('"blocks": 10', '"blocks": "<b>"'),
        ('"blocks": 10', '"blocks": true'),
        ('"blocks": 10', '"blocks": null'),
        ('"name": "GPU"', '"name": []'),
        ('"refs": [', '"refs": [{"name": "v1", "commit": ""},'),
        ('"subsystems"', '"others"'),
        ("{", "["),
    ],
)
def test_other_json_is_no_report(report: DebtReport, old: str, new: str) -> None:
    text = as_json(report)
    assert old in text

    with pytest.raises(ValueError, match=r"not a report|delimiter"):
        from_json(text.replace(old, new, 1))


def test_a_report_has_a_ref(report: DebtReport) -> None:
    with pytest.raises(ValueError, match="no ref"):
        from_json(as_json(replace(report, refs=(), subsystems=())))


def test_deep_json_is_no_report() -> None:
    with pytest.raises(ValueError, match="not a report"):
        from_json("[" * 100_000)
