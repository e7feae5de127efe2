# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from bot.review.mail_lint import problems


@pytest.mark.parametrize(
    "line",
    [
        "Reviewed-by: Somebody <somebody@example.org>",
        "  acked-by : somebody",
        "Signed-off-by: somebody",
        "Tested-by:",
        "Fixes: 0123456789ab",
        "Cc: somebody",
        "Closes: https://example.org",
        "#syz fix: all",
        "# syz invalid",
        "#regzbot introduced: v1",
        "pw-bot: accept",
        "patchwarden: mute list",
        "diff --git a/x b/x",
        "@@ -1 +1 @@",
        "--- a/x",
        "+++ b/x",
        "Subject: x",
        "bidi \u202e",
        "escape \x1b",
        "> quoted escape \x1b",
        "nul \0",
        "carriage return\r",
        "x" * 73,
        "> " + "x" * 999,
        ">Reviewed-by: no blank, no quotation",
        "\u00a0Reviewed-by: x",
    ],
)
def test_what_may_not_be_sent(line: str) -> None:
    assert ["line 2"] == [problem.partition(":")[0] for problem in problems(f"fine\n{line}\n")][:1]


@pytest.mark.parametrize(
    "line",
    [
        "> Reviewed-by: Somebody <somebody@example.org>",
        "> #syz fix: all",
        "> diff --git a/x b/x",
        "> " + "x" * 200,
        ">",
        "",
        "-- ",
        "This is said by: nobody.",
        "A tab\tis fine.",
        "So is Gr\u00fc\u00dfe.",
        "x" * 72,
    ],
)
def test_what_may(line: str) -> None:
    assert [] == list(problems(f"fine\n{line}\n"))
