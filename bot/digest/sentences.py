# SPDX-License-Identifier: GPL-2.0-or-later
"""The texts of a digest, as plain text and as HTML."""

from typing import Final

from bot.review.render.sentence import Sentence

TITLE: Final = Sentence("patchwarden digest, {since} to {until}")
WAITING: Final = Sentence("{count} series waiting for review.")
INACTIVE: Final = Sentence("{count} series without recent mails.")
COUNTS: Final = Sentence("Findings: {counts}.")
LANDING_COUNT: Final = Sentence("{findings} new because a landing tree changed.")
NEW: Final = Sentence("{count} new")
REPEATED: Final = Sentence("{count} repeated")
RESOLVED: Final = Sentence("{count} resolved")
NOTHING: Final = Sentence("Nothing happened in this period.")

WAITING_HEADING: Final = Sentence("Series waiting for review")
INACTIVE_HEADING: Final = Sentence("Series without recent mails")
FINDINGS_HEADING: Final = Sentence("Findings")
C_HEADING: Final = Sentence("C changes that affect Rust")
COLLISIONS_HEADING: Final = Sentence("Pending series that collide")
LANDING_HEADING: Final = Sentence("New findings in checked series, because a landing tree changed")
SUBSYSTEMS_HEADING: Final = Sentence("Unsafe code and bindings by subsystem")
MAILS_HEADING: Final = Sentence("Mails and withheld findings")
NOT_CHECKED_HEADING: Final = Sentence("Not checked")
RULES_HEADING: Final = Sentence("Outcome of findings by rule, all time")

SERIES: Final = Sentence("{age}: {size}; {status}")
SIZE: Final = Sentence("v{revision}, {patches}")
TODAY: Final = Sentence("posted today")
AGE: Final = Sentence("age {days} d")
AGE_INACTIVE: Final = Sentence("age {days} d, last mail {inactive} d ago")
NO_REPLY: Final = Sentence("no reply")
ONE_REPLY: Final = Sentence("1 reply")
REPLIES: Final = Sentence("{count} replies")

FINDING: Final = Sentence("{state}: {severity} {rule}")
FINDING_PLACES: Final = Sentence("{state}: {severity} {rule}, {count} places")
LANDING: Final = Sentence("since {ref} changed: {severity} {rule}: {message}")
SINCE: Final = Sentence("since {ref} changed")
NOT_MAILED: Final = Sentence("not mailed: {reason}")

C_CHANGE: Final = Sentence("one changes the C declaration {name}, the other begins to use it")
ADDED_TWICE: Final = Sentence("both add {name} in different forms")
ITEM_CHANGE: Final = Sentence("one changes {name}, the other begins to use it")
SAME_LINES: Final = Sentence("both rewrite the same lines of {name}")
ONE_COLLISION: Final = Sentence("1 pair of pending series collides.")
COLLISIONS: Final = Sentence("{count} pairs of pending series collide.")

UNSAFE: Final = Sentence("+{added} -{removed} unsafe")
MOVED: Final = Sentence("{count} moved")
BINDINGS: Final = Sentence("bindings used in {places}")

MAILS: Final = Sentence("mails {state}: {count}")
MAILS_FILED: Final = Sentence("mails written to a file (dry run): {count}")
WITHHELD: Final = Sentence("{findings} withheld: {reason}")

UNREADABLE: Final = Sentence("{mails} could not be read")
DAMAGED: Final = Sentence("{count} series damaged")
REFUSED: Final = Sentence("{count} series not reviewed: {reasons}")
RULE_FAILED: Final = Sentence("rule {failure} failed")

REPORTED: Final = Sentence("{rule}: {count} reported, {outcomes}")
FIXED: Final = Sentence("{count} fixed")
DISPUTED: Final = Sentence("{count} disputed")
WITHOUT_REPLY: Final = Sentence("{count} without reply")
DEMOTED: Final = Sentence("{rule} is no longer mailed, only listed here: {reason}")

MORE: Final = Sentence("And {count} more.")
MORE_SERIES: Final = Sentence("And {count} more series.")
MORE_PLACES: Final = Sentence("and {count} more")

RULE_COLUMN: Final = Sentence("rule")
REPORTED_COLUMN: Final = Sentence("reported")
FIXED_COLUMN: Final = Sentence("fixed")
DISPUTED_COLUMN: Final = Sentence("disputed")
NO_REPLY_COLUMN: Final = Sentence("no reply")

ABOUT: Final = Sentence("Written by a program, patchwarden {version}. You get this mail because its settings name you.")
CONTACT: Final = Sentence("A person reads mail to {contact}.")
