# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.mail.address import Address
from bot.mail.posting import Posting
from bot.pipeline.context import ReviewContext
from bot.pipeline.draft import draft
from bot.review.mail_lint import problems
from bot.review.model import Recipients, Review, ReviewFinding
from bot.review.policy import Policy
from bot.review.render.body import body
from bot.review.review import review
from rules.analysis.unsafe_delta import UnsafeDelta, UnsafePlace
from rules.finding import Evidence, Finding, LogAnchor, Report, Severity
from rules.lint.rule import Rule
from tests.bot.review.factories import Maker


def _body(
    make: Maker, posting: Posting, *findings: Finding, rules: tuple[Rule, ...] = (), previous: Review | None = None
) -> str:
    rules = rules or (make.rule(),)
    result = review(posting, Report(findings), rules, previous)
    return body(result, {rule.id: rule for rule in rules}, make.identity)


def test_one_finding_on_one_patch(make: Maker) -> None:
    text = _body(make, make.posting(), make.finding(9))

    assert text.startswith(
        """\
1 warning in this patch: missing-safety-comment.

On Mon, 02 Mar 2026, Ada Author wrote:
> --- /dev/null
> +++ b/rust/kernel/led.rs
> @@ -0,0 +1,40 @@
> [ ... ]
> +    line_5();
> +    line_6();
> +    line_7();
> +    line_8();
> +    line_9();

This `unsafe` block has no SAFETY comment. [missing-safety-comment]

--\x20
"""
    )


def test_further_places_are_reported_with_the_first(make: Maker) -> None:
    text = _body(make, make.posting(), make.finding(3), make.finding(7), make.finding(30))

    assert 1 == text.count("[missing-safety-comment]")
    assert "Also at lines 7 and 30." in text


def test_findings_at_the_same_place_have_their_evidence_and_no_further_place(make: Maker) -> None:
    evidence = [(Evidence(f"{name}@example.org", (f"series {name}",)),) for name in "abcd"]
    findings = [make.finding(3, message=f"It changes `{at}`.", evidence=each) for at, each in enumerate(evidence)]
    text = _body(make, make.posting(), *findings[:2], make.finding(7, message="It changes `x`."))
    many = _body(make, make.posting(), *findings)

    quoted = "\n\nFor reference:\n\n> a@example.org:\n>   series a\n> b@example.org:\n>   series b\n"
    assert f"It changes `0`. [missing-safety-comment]\nAlso at line 7 (`x`).{quoted}\n-- \n" in text
    assert "Also at" not in many
    assert ">   series c\n> [ ... ]\n\n-- \n" in many


def test_a_mail_that_is_evidence_at_a_further_place_is_shown_once_and_code_is_not(make: Maker) -> None:
    origins = ["a@example.org", "b@example.org", "b@example.org", "rust/a.rs:1"]
    evidence = [(Evidence(origin, (f"line {at}",)),) for at, origin in enumerate(origins)]
    findings = [make.finding(line, evidence=each) for line, each in zip((3, 7, 9, 11), evidence, strict=True)]
    text = _body(make, make.posting(), *findings)

    quoted = "> a@example.org:\n>   line 0\n> b@example.org:\n>   line 1\n"
    assert f"Also at lines 7, 9 and 11.\n\nFor reference:\n\n{quoted}\n-- \n" in text


def test_two_findings_in_one_hunk_share_the_quotation(make: Maker) -> None:
    text = _body(
        make, make.posting(), make.finding(3), make.finding(5, rule="other"), rules=(make.rule(), make.rule("other"))
    )

    assert 1 == text.count("> @@")
    assert "> +    line_4();\n> +    line_5();\n\nThis" in text


def test_a_rule_is_explained_once_named_twice_and_then_only_listed(make: Maker) -> None:
    paths = [f"rust/kernel/{name}.rs" for name in "abcd"]
    patch = replace(make.patch(), changes=tuple(change for path in paths for change in make.patch(path=path).changes))
    message = "Say why `a. b` is sound. A comment does."
    findings = [make.finding(line, path=path, message=message) for path in paths for line in (3, 9)]
    text = _body(make, make.posting([patch]), *findings)

    assert 1 == text.count("Say why `a. b` is sound. A comment does. [missing-safety-comment]\nAlso at line 9.\n")
    assert 1 == text.count("Say why `a. b` is sound. [missing-safety-comment]\nAlso at line 9.\n")
    assert 1 == text.count("A comment does.")
    assert (
        """
Same for: [missing-safety-comment]

> rust/kernel/c.rs:3 and 9: line_3();
> rust/kernel/d.rs:3 and 9: line_3();

--\x20
"""
        in text
    )


def test_findings_in_several_patches_stand_under_their_quoted_subjects(make: Maker) -> None:
    posting = make.posting([make.patch(1), make.patch(2, "drivers/a.rs", "a: use it"), make.patch(3)], cover=True)
    text = _body(make, posting, make.finding(3), make.finding(4, patch=2, path="drivers/a.rs"))

    assert "2 warnings in patches 1 and 2 of 3" in text
    assert "\n> Subject: [PATCH v1 1/3] rust: led: add a driver\n> [ ... ]\n> --- /dev/null\n" in text
    assert "\n> Subject: [PATCH v1 2/3] a: use it\n> [ ... ]\n> --- /dev/null\n> +++ b/drivers/a.rs\n" in text
    assert "wrote:" not in text


def test_nits_stand_in_one_block_at_the_end_each_rule_once(make: Maker) -> None:
    nits = [
        make.finding(line, rule="unsafe-semicolon", severity=Severity.NIT, message="Move the `;` out.")
        for line in (7, 9)
    ]
    rules = (make.rule(), make.rule("unsafe-semicolon", severity=Severity.NIT, tier=2))
    text = _body(make, make.posting(), make.finding(12), *nits, rules=rules)

    assert (
        """
Nits:

> rust/kernel/led.rs:7 and 9: line_7();
Move the `;` out. [unsafe-semicolon]

--\x20
"""
        in text
    )


def test_a_nit_of_many_patches_is_reported_once(make: Maker) -> None:
    patches = [make.patch(number, f"rust/kernel/{number}.rs") for number in range(1, 7)]
    nits = [
        make.finding(7, rule="nit", patch=patch.index, path=patch.changes[0].path, severity=Severity.NIT, message="So.")
        for patch in patches
    ]
    rules = (make.rule(), make.rule("nit", severity=Severity.NIT, tier=2))
    text = _body(make, make.posting(patches), make.finding(12, path="rust/kernel/1.rs"), *nits, rules=rules)

    assert (
        """
Nits:

> patch 1, rust/kernel/1.rs:7: line_7();
> patch 2, rust/kernel/2.rs:7: line_7();
> patch 3, rust/kernel/3.rs:7: line_7();
So. [nit] Also in 3 other files.
"""
        in text
    )


def test_evidence_is_quoted_and_bounded(make: Maker) -> None:
    first = Evidence("rust/kernel/led.rs:3", ("# Safety", "", *(f"- point {number}" for number in range(20))))
    second = Evidence("rust/kernel/lamp.rs:4", ("lamp();",))
    text = _body(make, make.posting(), make.finding(9, evidence=(first, second)))

    assert "\nFor reference:\n\n> rust/kernel/led.rs:3:\n>   # Safety\n>\n>   - point 0\n" in text
    assert "point 5\n> [ ... ]\n> rust/kernel/lamp.rs:4:\n>   lamp();\n" in text
    assert "point 6" not in text


def test_a_finding_on_the_commit_message_quotes_it(make: Maker) -> None:
    text = _body(make, make.posting(), replace(make.finding(), anchor=LogAnchor(1, 4, "This adds stuff.")))

    assert "> [ ... ]\n> This adds stuff.\n\nThis `unsafe`" in text


def test_a_place_that_no_hunk_shows_is_quoted_with_its_path(make: Maker) -> None:
    finding = make.finding()
    text = _body(make, make.posting(), replace(finding, anchor=replace(finding.anchor, line=999, text="far()")))

    assert "> +++ b/rust/kernel/led.rs\n> [ ... ]\n>  far()\n" in text


def test_the_next_revision_says_what_stayed_and_what_is_resolved(make: Maker) -> None:
    rules = (make.rule(),)
    first = review(make.posting(), Report((make.finding(3), make.finding(9), make.finding(12))), rules)
    text = _body(make, make.posting(revision=2), make.finding(3), rules=rules, previous=first)

    assert text.startswith(
        "1 warning in this patch: missing-safety-comment.\n"
        "Of the findings reported on the previous revision, 1 remains and 2 are\nresolved.\n\n"
    )
    assert "(Already reported on the previous revision.)" in text


def test_findings_of_an_unmailed_revision_are_not_called_reported(make: Maker) -> None:
    rules = (make.rule(),)
    report = Report((make.finding(3), make.finding(9), make.finding(12)))
    first = review(make.posting(), report, rules, policy=Policy(muted="older-revision: v2 has arrived already"))
    text = _body(make, make.posting(revision=2), make.finding(3), rules=rules, previous=first)

    assert text.startswith(
        "1 warning in this patch: missing-safety-comment.\n"
        "The previous revision got no mail. Of its findings, 1 remains and 2 are\nresolved.\n\n"
    )
    assert "Already reported" not in text


def test_every_bug_is_explained(make: Maker) -> None:
    bugs = [make.finding(line, severity=Severity.BUG, message=f"Bug {line}.") for line in (3, 5, 7)]
    text = _body(make, make.posting(), *bugs)

    assert 3 == text.count(". [missing-safety-comment]\n")


def test_what_is_over_the_limit_is_counted(make: Maker) -> None:
    findings = [make.finding(3, path=f"rust/kernel/{number}.rs") for number in range(15)]
    text = _body(make, make.posting(), *findings)

    assert "\n3 more findings are not shown here. Reply to this mail to get all.\n" in text


def test_a_review_without_findings_has_no_text(make: Maker) -> None:
    assert "" == _body(make, make.posting())


def test_the_unsafe_delta_stands_in_the_footer(make: Maker) -> None:
    rules = (make.rule(),)
    delta = UnsafeDelta(added=(UnsafePlace("block", 1, "rust/kernel/led.rs", 3, "", "unsafe {", "unsafe{}"),))
    result = review(make.posting(), Report((make.finding(),)), rules, delta=delta)
    text = body(result, {rule.id: rule for rule in rules}, make.identity)

    assert "-- \nUnsafe code in this patch: 1 block added.\n" in text


HOSTILE = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]), st.sampled_from(list("`\n\r\t \u202e\u200b#@:+->\x1b\0\udc80"))
    ),
    max_size=60,
) | st.sampled_from(
    [
        "Reviewed-by: Evil <evil@example.org>",
        "\nReviewed-by: Evil <evil@example.org>",
        "#syz fix: everything",
        "`\n#syz invalid\n`",
        "pw-bot: accept",
        "diff --git a/x b/x",
        "x" * 5000,
        "\u202eevil\u202c",
    ]
)


@settings(max_examples=300, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_whatever_an_attacker_wrote_the_mail_passes_the_lint(
    subject: str, author: str, path: str, code: str, name: str
) -> None:
    make = Maker((code, "ok();", code, "fn f() {", code))
    path = path or "a"
    patches = [make.patch(1, path, subject), make.patch(2, path, subject)]
    posting = make.posting(patches, author=Address(author, "ada@example.org"), subject=subject)
    message = f"`{name}` wants a SAFETY comment: say why `{code}` is sound."
    findings = [
        make.finding(line, patch=patch, path=path, message=message, evidence=(Evidence(path, (code,)),))
        for patch in (1, 2)
        for line in (3, 5)
    ]
    nit = make.finding(1, rule="nit", path=path, severity=Severity.NIT, message=message)
    rules = (make.rule(), make.rule("nit", severity=Severity.NIT, tier=2))

    for chosen in (findings, findings[:2]):
        result = review(posting, Report((*chosen, nit)), rules, policy=Policy())
        text = body(result, {rule.id: rule for rule in rules}, make.identity)

        assert [] == list(problems(text))
        assert text
        assert text == body(result, {rule.id: rule for rule in rules}, make.identity)


def test_nothing_of_the_patch_stands_outside_quotations(make: Maker) -> None:
    evil = Maker(("zebra: is here", "Acked-by: zebra <zebra@example.org>", "zebra()"))
    posting = make.posting([evil.patch(1, "zebra.rs", "#syz zebra"), evil.patch(2, "zebra.rs", "zebra")], cover=True)
    message = "Say why `zebra\u202e` and `a: zebra` are sound."
    quoted = (Evidence("zebra.rs:1", ("zebra",)),)
    findings = [
        *(evil.finding(n, patch=p, path="zebra.rs", evidence=quoted, message=message) for n, p in ((1, 1), (3, 2))),
        *(evil.finding(n, patch=p, path="zebra.rs", rule="nit", severity=Severity.NIT) for n, p in ((1, 1), (3, 2))),
    ]
    text = _body(make, posting, *findings, rules=(make.rule(), make.rule("nit", tier=2, severity=Severity.NIT)))

    assert "> patch 1, zebra.rs:1: zebra: is here" in text
    assert [] == [line for line in text.split("\n") if "zebra" in line and not line.startswith("> ")]
    assert "Say why this code and this code are sound." in text


def test_the_largest_mail_stays_under_20_kilobytes(make: Maker) -> None:
    wide = Maker(tuple("\N{SNOWMAN}" * 300 for _ in range(40)))
    rules = tuple(make.rule(f"rule-{number}") for number in range(30))
    nits = tuple(make.rule(f"nit-{number}", tier=2, severity=Severity.NIT) for number in range(30))
    evidence = (Evidence("a", tuple("x" * 300 for _ in range(30))),)
    findings = [
        wide.finding(5 + line, rule=rule.id, severity=rule.severity, message="word " * 100, evidence=evidence)
        for rule in rules + nits
        for line in range(20)
    ]
    result = review(wide.posting(), Report(tuple(findings)), rules + nits)
    answer = draft(result, ReviewContext(rules + nits, identity=make.identity))

    assert answer is not None
    assert len(answer.body.encode()) < 20_000


def test_findings_that_are_not_repeated_remain_and_are_not_shown(make: Maker) -> None:
    first, second = make.finding(3), make.finding(9, message="Another message.")
    previous = Review(
        make.posting(),
        (ReviewFinding(first, mailed_before=1), ReviewFinding(second)),
        recipients=Recipients((Address("Ada", "ada@example.org"),)),
    )

    text = _body(make, make.posting(revision=2), first, second, previous=previous)

    assert "Of the findings reported on the previous revision, 2 remain." in text
    assert "\n1 finding that earlier mails reported is not shown again. Reply to this\nmail to get all.\n" in text
    assert "more finding" not in text


def test_findings_over_the_limit_and_findings_that_are_not_repeated_are_counted_apart(make: Maker) -> None:
    findings = [make.finding(3, path=f"rust/kernel/{number}.rs") for number in range(18)]
    previous = Review(
        make.posting(),
        tuple(ReviewFinding(finding, mailed_before=1) for finding in findings[:2]),
        recipients=Recipients((Address("Ada", "ada@example.org"),)),
    )

    text = _body(make, make.posting(revision=2), *findings, previous=previous)

    assert " more findings are not shown here. 2 findings that earlier mails reported" in " ".join(text.split())
