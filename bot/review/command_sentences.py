# SPDX-License-Identifier: GPL-2.0-or-later
"""The texts of a reply to a command."""

from typing import Final

from bot.review.render.sentence import Sentence

HELP: Final = Sentence("Commands. Each starts a line of your own text; a mail may hold at most three:")
RECHECK: Final = Sentence("check the series again; you get a mail if the result changed")
EXPLAIN: Final = Sentence("what the rule flags, why, how to fix it, and when it stays silent")
NOT_APPLICABLE: Final = Sentence("the finding is wrong or does not matter here; it is not reported again")
FIXED: Final = Sentence("the finding is fixed in the next revision")
MUTE: Final = Sentence("no more mails about this series, about any series of this author, or about this list")
HELP_COMMAND: Final = Sentence("get this list of commands")
NAMES: Final = Sentence("FINDING is the id of a rule, for all its findings in this series, or one of these:")
NO_NAMES: Final = Sentence("FINDING is the id of a rule. There are no findings in this series.")
MORE: Final = Sentence("and {count} more")

NO_RULE: Final = Sentence("There is no rule `{rule}`.")
EVIDENCE: Final = Sentence("Evidence:")
NO_FINDING: Final = Sentence("`{finding}` names no finding of this series, or several. Nothing was changed.")

RECHECKED: Final = Sentence("Checked again, revision {revision}: {counts}.")
NEW: Final = Sentence("New:")
NEW_BECAUSE: Final = Sentence("New ({reason}):")
GONE: Final = Sentence("Gone:")
GONE_BECAUSE: Final = Sentence("Gone ({reason}):")
NOT_MAILED: Final = Sentence("{finding}, not mailed")
IN_LOG: Final = Sentence("commit message of patch {patch}")

ABOUT: Final = Sentence("Written by a program, patchwarden {version}, in reply to your command.")
CONTACT: Final = Sentence("A person reads mail to {contact}.")
