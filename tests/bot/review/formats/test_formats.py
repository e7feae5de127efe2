# SPDX-License-Identifier: GPL-2.0-or-later
import io
import json
import mailbox
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.mail.links import Links
from bot.review.formats.b4 import b4
from bot.review.formats.colour import Colours, colours_for
from bot.review.formats.errorformat import errorformat
from bot.review.formats.json_array import json_array
from bot.review.formats.jsonl import jsonl
from bot.review.formats.mail import mail
from bot.review.formats.rdjsonl import rdjsonl
from bot.review.formats.row import CheckedPosting, Row, RowResult, of_review
from bot.review.formats.sarif import sarif
from bot.review.formats.sarif_baseline import NoBaselineError, read_baseline
from bot.review.formats.terse import terse
from bot.review.formats.text import text
from bot.review.review import review
from rules.finding import Anchor, Edit, Evidence, Failure, Finding, Fix, LogAnchor, Report, Severity
from rules.lint.rule import Rule, Status
from tests.bot.review.factories import Maker
from tests.npm import npm_package

PAGES = "https://pages.example.org"
LINKS = Links(PAGES)
FIELDS = [
    "rule",
    "severity",
    "confidence",
    "status",
    "message_id",
    "patch",
    "path",
    "side",
    "line",
    "column",
    "text",
    "message",
    "fingerprint",
    "fixed_by_patch",
    "base",
]


def _rules(make: Maker) -> Mapping[str, Rule]:
    return {"missing-safety-comment": make.rule(), "new": make.rule("new", status=Status.PREVIEW)}


def _verdict(make: Maker, *findings: Finding, failures: tuple[Failure, ...] = ()) -> RowResult:
    result = review(make.posting(), Report(findings, failures), _rules(make).values())
    checked = CheckedPosting(result.posting, result.unsafe_delta, result.basis.base)
    return RowResult(tuple(of_review(result, _rules(make))), (checked,), failures)


def test_a_finding_as_json_has_exactly_its_fields(make: Maker) -> None:
    finding = make.finding(9)
    expected = {
        "rule": "missing-safety-comment",
        "severity": "warning",
        "confidence": "high",
        "status": "stable",
        "message_id": "v1.1@example.org",
        "patch": 1,
        "path": "rust/kernel/led.rs",
        "side": "post",
        "line": 9,
        "column": 5,
        "text": "    line_9();",
        "message": "This `unsafe` block has no SAFETY comment.",
        "fingerprint": finding.fingerprint,
        "fixed_by_patch": None,
        "base": None,
    }
    verdict = _verdict(make, finding)

    assert [expected] == json.loads(json_array(verdict))
    assert expected == json.loads(jsonl(verdict))
    assert FIELDS == list(json.loads(jsonl(verdict)))


def test_a_file_checked_by_itself_has_no_message_id(make: Maker) -> None:
    assert json.loads(jsonl(RowResult((Row(make.finding(), Status.STABLE),))))["message_id"] is None


def test_json_names_the_patch_that_fixes_a_finding(make: Maker) -> None:
    data = json.loads(json_array(_verdict(make, make.finding(9), make.finding(12, fixed_by_patch=2))))

    assert [None, 2] == [finding["fixed_by_patch"] for finding in data]


def test_a_finding_in_a_commit_message_has_no_path(make: Maker) -> None:
    data = json.loads(jsonl(_verdict(make, replace(make.finding(), anchor=LogAnchor(1, 3, "text")))))

    assert (None, "log", 3) == (data["path"], data["side"], data["line"])


def test_undecodable_bytes_are_no_broken_json(make: Maker) -> None:
    odd = Maker(("a\udcffb();",)).finding(1)

    assert "a\N{REPLACEMENT CHARACTER}b();" == json.loads(json_array(_verdict(make, odd)))[0]["text"]
    json_array(_verdict(make, odd)).encode()
    sarif(_verdict(make, odd), _rules(make), "0.1.0", LINKS).encode()
    text(_verdict(make, odd)).encode()


@pytest.mark.parametrize(
    ("severity", "word"),
    [(Severity.BUG, "ERROR"), (Severity.WARNING, "WARNING"), (Severity.NIT, "CHECK"), (Severity.NOTE, "NOTE")],
)
def test_terse_is_one_line_as_checkpatch_prints_it(make: Maker, severity: Severity, word: str) -> None:
    verdict = _verdict(make, make.finding(9, severity=severity, message="Two\nlines.\x1b"))

    assert f"rust/kernel/led.rs:9: {word}: Two lines.<U+001B> [missing-safety-comment]\n" == terse(verdict)


@pytest.mark.parametrize(
    ("severity", "status"),
    [(Severity.BUG, "fail"), (Severity.WARNING, "warn"), (Severity.NIT, "pass")],
)
def test_b4_gets_one_result_of_strings_with_details_to_unfold(make: Maker, severity: Severity, status: str) -> None:
    (result,) = json.loads(b4(_verdict(make, make.finding(9, severity=severity)), LINKS))

    assert ("patchwarden", status, f"1 {severity}") == (result["tool"], result["status"], result["summary"])
    assert all(isinstance(value, str) for value in result.values())
    assert f"{PAGES}/series/v1.1@example.org" == result["url"]
    (entry,) = json.loads(result["details"])
    assert ("rust/kernel/led.rs:9", status) == (entry["context"], entry["status"])


def test_b4_is_told_that_nothing_was_found_and_when_a_rule_failed(make: Maker) -> None:
    clean, failed = _verdict(make), _verdict(make, failures=(Failure("new", 1, "a.rs", "ValueError"),))

    assert [("pass", "no findings"), ("fail", "1 check failed")] == [
        (result["status"], result["summary"])
        for verdict in (clean, failed)
        for result in json.loads(b4(verdict, LINKS))
    ]


def test_b4_is_told_nothing_of_a_cover_letter_alone(make: Maker) -> None:
    posting = make.posting(cover=True)
    alone = replace(posting, series=replace(posting.series, patches=()))

    assert [] == json.loads(b4(RowResult(postings=(CheckedPosting(alone),)), LINKS))


def test_a_preview_rule_never_colours_b4s_result(make: Maker) -> None:
    (result,) = json.loads(b4(_verdict(make, make.finding(rule="new", severity=Severity.BUG)), LINKS))

    assert "pass" == result["status"]
    assert "(preview rule)" in json.loads(result["details"])[0]["description"]


def test_sarif_names_rules_places_and_failures(make: Maker) -> None:
    verdict = _verdict(make, make.finding(9, path="rust/a b.rs"), failures=(Failure("new", 1, "a.rs", "ValueError"),))
    log: dict[str, Any] = json.loads(sarif(verdict, _rules(make), "0.1.0", LINKS))
    (run,) = log["runs"]
    (result,) = run["results"]

    assert "2.1.0" == log["version"]
    assert ["missing-safety-comment", "new"] == [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert ("missing-safety-comment", 0, "warning") == (result["ruleId"], result["ruleIndex"], result["level"])
    location = result["locations"][0]["physicalLocation"]
    assert "rust/a%20b.rs" == location["artifactLocation"]["uri"]
    assert (9, 5) == (location["region"]["startLine"], location["region"]["startColumn"])
    assert run["invocations"][0]["executionSuccessful"] is False
    assert "new failed on a.rs: ValueError" == run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_sarif_names_a_file_outside_of_a_tree_by_its_whole_address(make: Maker) -> None:
    (run,) = json.loads(sarif(_verdict(make, make.finding(9, path="/srv/a b.rs")), _rules(make), "0.1.0", LINKS))[
        "runs"
    ]

    location = run["results"][0]["locations"][0]["physicalLocation"]
    assert "file:///srv/a%20b.rs" == location["artifactLocation"]["uri"]


@pytest.mark.parametrize("path", ["rust/a b.rs", "/srv/led.rs", "rust/\udcff:%41#?.rs"])
def test_a_validator_accepts_sarif(make: Maker, tmp_path: Path, path: str) -> None:
    program = npm_package("@microsoft/sarif-multitool-linux") / "Sarif.Multitool"
    if not os.access(program, os.X_OK):
        program.chmod(0o755)
    findings = (make.finding(9, path=path), replace(make.finding(), anchor=LogAnchor(1, 3, "text\x1b")))
    failures = (Failure("new", 1, "a.rs", "ValueError"),)
    earlier = read_baseline(sarif(_verdict(make, make.finding(12)), _rules(make), "0.1.0", LINKS).encode())
    verdict = _verdict(make, *findings, failures=failures)
    verdict = replace(verdict, rows=(_with_fix(verdict.rows[0]), *verdict.rows[1:]))
    written = sarif(verdict, _rules(make), "0.1.0", LINKS, earlier)
    assert '"fixes"' in written
    (tmp_path / "log.sarif").write_text(written, encoding="utf-8")

    command = [str(program), "validate", "log.sarif", "--output", "out.sarif"]
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "HOME": str(tmp_path)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True)
    (run,) = json.loads((tmp_path / "out.sarif").read_text(encoding="utf-8-sig"))["runs"]

    # The validator wishes for an address of the tool itself, which a program that people install does not know.
    assert {result["ruleId"] for result in run["results"]} <= {"SARIF2005"}


def test_sarif_names_the_pages_of_rules_and_findings(make: Maker) -> None:
    verdict, finding = _verdict(make, make.finding(9)), make.finding(9)
    (run,) = json.loads(sarif(verdict, _rules(make), "0.1.0", LINKS))["runs"]
    (result,) = run["results"]

    assert f"{PAGES}/rules/missing-safety-comment" == run["tool"]["driver"]["rules"][0]["helpUri"]
    assert f"{PAGES}/series/v1.1@example.org#{finding.fingerprint}" == result["hostedViewerUri"]
    assert {"patchwarden/v1": finding.fingerprint} == result["partialFingerprints"]


def test_what_has_no_page_has_no_address(make: Maker) -> None:
    file = RowResult((Row(make.finding(), Status.STABLE),))

    assert "hostedViewerUri" not in sarif(file, _rules(make), "0.1.0", LINKS)
    assert "Uri" not in sarif(_verdict(make, make.finding()), _rules(make), "0.1.0", Links())
    assert "" == json.loads(b4(_verdict(make, make.finding()), Links()))[0]["url"]
    assert "https://rules.example.org/rules/new.html" in sarif(
        file, _rules(make), "1", Links("", "https://rules.example.org")
    )


def test_sarif_names_a_file_for_a_finding_in_a_commit_message(make: Maker) -> None:
    verdict = _verdict(make, replace(make.finding(), anchor=LogAnchor(1, 3, "text")))
    (result,) = json.loads(sarif(verdict, _rules(make), "0.1.0", LINKS))["runs"][0]["results"]

    (location,) = result["locations"]
    assert {"uri": "rust/kernel/led.rs"} == location["physicalLocation"]["artifactLocation"]
    assert "patch 1, log:3" == location["logicalLocations"][0]["fullyQualifiedName"]


def test_sarif_says_what_is_new_unchanged_and_absent(make: Maker) -> None:
    before = sarif(_verdict(make, make.finding(3), make.finding(9)), _rules(make), "0.1.0", LINKS)
    now = _verdict(make, make.finding(9), make.finding(12))

    second = sarif(now, _rules(make), "0.1.0", LINKS, read_baseline(before.encode()))
    third = sarif(now, _rules(make), "0.1.0", LINKS, read_baseline(second.encode()))

    def states(log: str) -> list[tuple[int, str]]:
        results = json.loads(log)["runs"][0]["results"]
        return [(r["locations"][0]["physicalLocation"]["region"]["startLine"], r["baselineState"]) for r in results]

    assert [(9, "unchanged"), (12, "new"), (3, "absent")] == states(second)
    assert [(9, "unchanged"), (12, "unchanged")] == states(third)


@pytest.mark.parametrize("written", [b"", b"{}", b"[]", b'{"runs": 1}', b'{"runs": [{"results": [{}]}]}', b"[" * 10**6])
def test_another_text_is_no_baseline(written: bytes) -> None:
    with pytest.raises(NoBaselineError):
        read_baseline(written)


def test_rdjsonl_has_one_diagnostic_a_line(make: Maker) -> None:
    line = "    \u00e4(); unsafe { a() };"
    anchor = Anchor(1, "rust/\udcffa.rs", "post", 9, 11, line)
    old, log = Anchor(1, "a.rs", "pre", 9, 1, line), LogAnchor(1, 3, "text")
    verdict = _verdict(make, *(replace(make.finding(), anchor=place) for place in (anchor, old, log)))

    (diagnostic,) = map(json.loads, rdjsonl(verdict, LINKS).splitlines())

    assert {
        "message": "This `unsafe` block has no SAFETY comment.",
        "location": {"path": "rust/\ufffda.rs", "range": {"start": {"line": 9, "column": 12}}},
        "severity": "WARNING",
        "source": {"name": "patchwarden"},
        "code": {"value": "missing-safety-comment", "url": f"{PAGES}/rules/missing-safety-comment"},
    } == diagnostic
    assert "url" not in json.loads(rdjsonl(_verdict(make, make.finding()), Links()))["code"]


def _with_fix(row: Row) -> Row:
    anchor = row.finding.anchor
    assert isinstance(anchor, Anchor)
    edits = (Edit(8, 1, 8, 1, "/// \u00e4\n"), Edit(9, 6, 9, 12, ""))
    lines = ((8, "fn f() {"), (9, "    \u00e4(); unsafe { a() };"))
    return replace(row, fix=Fix("missing-safety-comment", anchor, "Fix \udcff.", edits, lines))


def test_sarif_and_rdjsonl_have_the_fixes(make: Maker) -> None:
    verdict = _verdict(make, make.finding(9, path="rust/a b.rs"))
    verdict = replace(verdict, rows=tuple(map(_with_fix, verdict.rows)))

    (run,) = json.loads(sarif(verdict, _rules(make), "0.1.0", LINKS))["runs"]
    (fix,) = run["results"][0]["fixes"]
    (change,) = fix["artifactChanges"]
    assert "Fix \ufffd." == fix["description"]["text"]
    assert {"uri": "rust/a%20b.rs"} == change["artifactLocation"]
    regions = [tuple(item["deletedRegion"].values()) for item in change["replacements"]]
    assert [(8, 1, 8, 1), (9, 6, 9, 12)] == regions
    assert [{"text": "/// \u00e4\n"}, None] == [item.get("insertedContent") for item in change["replacements"]]

    (diagnostic,) = map(json.loads, rdjsonl(verdict, LINKS).splitlines())
    assert [
        {"range": {"start": {"line": 8, "column": 1}, "end": {"line": 8, "column": 1}}, "text": "/// \u00e4\n"},
        {"range": {"start": {"line": 9, "column": 7}, "end": {"line": 9, "column": 13}}, "text": ""},
    ] == diagnostic["suggestions"]


def test_errorformat_names_a_place_for_each_finding(make: Maker) -> None:
    new = Anchor(1, "rust/a b.rs", "post", 9, 7, "    \u00e4; unsafe { a() };\x1b")
    old, log = replace(new, side="pre"), LogAnchor(1, 3, "text")
    finding = replace(make.finding(rule="new"), message="Two\nlines.\x1b", severity=Severity.NIT)
    verdict = _verdict(make, *(replace(finding, anchor=place) for place in (log, new, old)))

    assert [
        "rust/kernel/led.rs:1:1: info: in the commit message: Two lines.<U+001B> [new]",
        "rust/a b.rs:9:8: info: Two lines.<U+001B> [new]",
        "rust/a b.rs:9:8: info: before the patch: Two lines.<U+001B> [new]",
    ] == errorformat(verdict).splitlines()


def test_text_groups_by_series_and_sums(make: Maker) -> None:
    verdict = _verdict(make, make.finding(9), make.finding(12, rule="new", severity=Severity.NIT, fixed_by_patch=2))

    assert """\
rust: led (v1, 1 patch)
  rust/kernel/led.rs:9: warning: This `unsafe` block has no SAFETY comment. [missing-safety-comment]
      line_9();
      ^
  rust/kernel/led.rs:12: nit: This `unsafe` block has no SAFETY comment. [new, preview, fixed by patch 2]
      line_12();
      ^

1 warning and 1 nit in 1 file
  missing-safety-comment      1
  new                         1
""" == text(verdict)


def test_text_counts_no_files_for_findings_in_the_commit_message(make: Maker) -> None:
    verdict = _verdict(make, replace(make.finding(), anchor=LogAnchor(1, 3, "text")))

    assert "\n1 warning\n" in text(verdict)


def test_text_shows_the_evidence_and_the_unsafe_delta(make: Maker) -> None:
    evidence = (Evidence("rust/kernel/led.rs:3", ("- `raw` is valid.\x1b",)),)
    verdict = _verdict(make, make.finding(9, evidence=evidence))
    (result,) = verdict.postings
    shown = text(replace(verdict, postings=(replace(result, unsafe_delta="1 block added"),)))

    assert "    line_9();\n      ^\n      see rust/kernel/led.rs:3:\n        - `raw` is valid.<U+001B>\n" in shown
    assert "\n  unsafe code: 1 block added\n\n" in shown


@pytest.mark.parametrize(
    ("line", "column", "shown", "space"),
    [
        ("    a(b);", 7, "a(b);", "  "),
        ("\tif a\tb {", 7, "if a\tb {", "    \t"),
        ('    f("\u706f", x)', 11, 'f("\u706f", x)', " " * 7),
        ('    f("e\u0301", x)', 12, 'f("e\u0301", x)', " " * 6),
        ("    \u202ea(b);", 8, "<U+202E>a(b);", " " * 10),
    ],
)
def test_the_caret_stands_below_the_column(line: str, column: int, shown: str, space: str) -> None:
    anchor = Anchor(1, "a.rs", "post", 1, column, line)
    row = Row(replace(Maker(("x",)).finding(1), anchor=anchor), Status.STABLE)

    _, _, source, caret, *_ = text(RowResult((row,))).split("\n")

    assert (f"      {shown}", f"      {space}^") == (source, caret)


@pytest.mark.parametrize("column", [1, 4, 10, 99])
def test_a_column_outside_the_code_of_a_line_has_no_caret(column: int) -> None:
    anchor = Anchor(1, "a.rs", "post", 1, column, "    a(b);  ")
    row = Row(replace(Maker(("x",)).finding(1), anchor=anchor), Status.STABLE)

    assert "^" not in text(RowResult((row,)))


def test_colours_change_nothing_but_the_look(make: Maker) -> None:
    verdict = _verdict(make, make.finding(9), make.finding(12, severity=Severity.BUG))
    coloured = text(verdict, Colours(are_used=True))

    assert "\x1b[1;35mwarning\x1b[0m" in coloured
    assert text(verdict) == re.sub(r"\x1b\[[\d;]*m", "", coloured)


@pytest.mark.parametrize(
    ("environment", "is_terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": ""}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_the_environment_decides_on_colours(
    environment: dict[str, str], is_terminal: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)

    assert Colours(expected) == colours_for(stream, environment)


def test_text_of_files_groups_by_file(make: Maker) -> None:
    rows = tuple(Row(make.finding(line, path=path), Status.STABLE) for path in ("a.rs", "b.rs") for line in (3, 9))

    assert "a.rs: 2 warnings\n  3: warning: " in text(RowResult(rows))
    assert "\n4 warnings in 2 files\n" in text(RowResult(rows))


def test_one_mail_is_itself_and_several_are_an_mbox(make: Maker, tmp_path: Path) -> None:
    first, second = b"Subject: a\n\nFrom here\n", b"Subject: b\n\n>From there\n"
    assert (b"", first) == (mail([]), mail([first]))

    (tmp_path / "mbox").write_bytes(mail([first, second]))
    read = [mail.as_bytes() for mail in mailbox.mbox(tmp_path / "mbox")]
    assert [b"Subject: a\n\n>From here\n", b"Subject: b\n\n>>From there\n"] == read


@pytest.mark.parametrize(
    ("changes", "counted"),
    [({}, True), ({"rule": "new"}, False), ({"fixed_by_patch": 2}, False), ({"severity": Severity.NIT}, False)],
)
def test_what_makes_a_command_fail(make: Maker, changes: dict[str, Any], counted: bool) -> None:
    (row,) = _verdict(make, make.finding(**changes)).rows

    assert counted == row.counts(Severity.WARNING)
