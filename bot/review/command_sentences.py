# SPDX-License-Identifier: GPL-2.0-or-later
"""The texts of a reply to a command."""

from typing import Final

from bot.review.render.sentence import Sentence

HELP: Final = Sentence("Available commands. Start a line of your own text with a command. A mail may have up to three:")
RECHECK: Final = Sentence("check the series again; you get a mail if the result changed")
EXPLAIN: Final = Sentence("explain what the rule flags, why, how to fix it, and what it does not flag")
NOT_APPLICABLE: Final = Sentence("the finding is wrong or does not matter here; it will not be reported again")
FIXED: Final = Sentence("the finding is fixed in the next revision")
MUTE: Final = Sentence("no more mails about this series, about any series of this author, or about this list")
HELP_COMMAND: Final = Sentence("get this list of commands")
NAMES: Final = Sentence(
    "FINDING is a rule id, for all findings of the rule in this series, or the fingerprint of a finding:"
)
NO_NAMES: Final = Sentence("FINDING is a rule id or the fingerprint of a finding. This series has no findings.")
MORE: Final = Sentence("and {count} more")

NO_RULE: Final = Sentence("There is no rule `{rule}`. The name in brackets after a finding is its rule.")
EVIDENCE: Final = Sentence("Evidence:")
NO_FINDING: Final = Sentence(
    "`{finding}` names no finding of this series, or more than one. Nothing was changed. To get a list of the "
    "findings, reply with the line `patchwarden: help`."
)

RECHECKED: Final = Sentence("Revision {revision} was checked again. Findings: {counts}.")
NEW: Final = Sentence("New:")
NEW_BECAUSE: Final = Sentence("New ({reason}):")
GONE: Final = Sentence("Gone:")
GONE_BECAUSE: Final = Sentence("Gone ({reason}):")
NOT_MAILED: Final = Sentence("{finding}, not mailed")
IN_LOG: Final = Sentence("commit message of patch {patch}")

ABOUT: Final = Sentence("Written by a program, patchwarden {version}, in reply to your command.")
CONTACT: Final = Sentence("A person reads mail to {contact}.")
