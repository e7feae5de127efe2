# SPDX-License-Identifier: GPL-2.0-or-later
"""The texts of a review mail, in the order in which they appear in it."""

from typing import Final

from bot.review.render.sentence import Sentence

FOUND: Final = Sentence("{counts} in {place}: {rules}.")
THIS_PATCH: Final = Sentence("this patch")
ONE_OF_SERIES: Final = Sentence("patch {number}/{total}")
SOME_OF_SERIES: Final = Sentence("patches {numbers} of {total}")

SINCE_MAIL: Final = Sentence("Of the findings reported on the previous revision, {counts}.")
SINCE_NO_MAIL: Final = Sentence("The previous revision got no mail. Of its findings, {counts}.")
ONE_REMAINS: Final = Sentence("1 remains")
SOME_REMAIN: Final = Sentence("{count} remain")
ONE_RESOLVED: Final = Sentence("1 is resolved")
SOME_RESOLVED: Final = Sentence("{count} are resolved")

ONE_NOT_SHOWN: Final = Sentence("1 more finding is not shown here.")
SOME_NOT_SHOWN: Final = Sentence("{count} more findings are not shown here.")
ONE_NOT_REPEATED: Final = Sentence("1 finding that earlier mails reported is not shown again.")
SOME_NOT_REPEATED: Final = Sentence("{count} findings that earlier mails reported are not shown again.")
ALL_ON_PAGE: Final = Sentence("The page at the end of this mail shows all.")
ASK_FOR_ALL: Final = Sentence("Reply to this mail to get all.")

ATTRIBUTION: Final = Sentence("On {date}, {name} wrote:")
ALSO_AT_LINE: Final = Sentence("Also at line {line}.")
ALSO_AT_LINES: Final = Sentence("Also at lines {lines}.")
REPORTED_ON_PREVIOUS: Final = Sentence("(Already reported on the previous revision.)")
REPORTED_ON_EARLIER: Final = Sentence("(Already reported on an earlier revision.)")
FOR_REFERENCE: Final = Sentence("For reference:")
UNFIT_MESSAGE: Final = Sentence("The text of this finding does not fit into a mail. [{rule}]")

SAME_FOR: Final = Sentence("Same for: [{rule}]")
NITS: Final = Sentence("Nits:")
ALSO_IN_FILES: Final = Sentence("Also in {files}.")

UNSAFE_CODE: Final = Sentence("Unsafe code in {place}: {delta}.")
THIS_SERIES: Final = Sentence("this series")
ABOUT: Final = Sentence("Written by a program: patchwarden {version}, fixed rules, no language model.")
FINDINGS_PAGE: Final = Sentence("All findings, and what their rules flag, why, and how to fix it:")
COMMANDS_PAGE: Final = Sentence("Commands by mail, and what each would do to this series:")
RULE_PAGE: Final = Sentence("What {rule} flags, why, and how to fix it:")
RULE_COMMAND: Final = Sentence(
    "To learn what {rule} flags, why, and how to fix it, reply with the line `patchwarden: explain {rule}` in a "
    "DKIM-signed mail. The line `patchwarden: help` gets a list of commands."
)
RULE_NAMES: Final = Sentence("The name in brackets after a finding is its rule.")
REPLY: Final = Sentence(
    "If a finding is unclear or wrong, or if you do not want such mails, reply to this mail. "
    "A person reads the replies."
)
REPLY_OR_WRITE: Final = Sentence(
    "If a finding is unclear or wrong, or if you do not want such mails, reply to this mail or write to {contact}. "
    "A person reads the replies."
)
COMMANDS: Final = Sentence("To get a list of commands, reply with the line `patchwarden: help` in a DKIM-signed mail.")
