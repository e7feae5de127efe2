# SPDX-License-Identifier: GPL-2.0-or-later
"""What the jobs need of the world, as protocols; wiring fills them, tests fake them."""

from bot.ports.archive import Archive, Batch, Deleted, History, Lookup, RawMail
from bot.ports.installation import Claim, Installation, Installations
from bot.ports.mails import Attestations, Indexed, Kept, Mails, Served, StoredMail, Thread, Unread
from bot.ports.outbox import Mailer, MailState, Outbox, Outgoing, Pace, Returned, Returns, TransitionError
from bot.ports.postings import Completions, DuePosting, Incomplete, Postings
from bot.ports.running import Clock, Progress
from bot.ports.store import KeptPosting, Knowledge, Store, Tally, Unjudged

__all__ = [
    "Archive",
    "Attestations",
    "Batch",
    "Claim",
    "Clock",
    "Completions",
    "Deleted",
    "DuePosting",
    "History",
    "Incomplete",
    "Indexed",
    "Installation",
    "Installations",
    "Kept",
    "KeptPosting",
    "Knowledge",
    "Lookup",
    "MailState",
    "Mailer",
    "Mails",
    "Outbox",
    "Outgoing",
    "Pace",
    "Postings",
    "Progress",
    "RawMail",
    "Returned",
    "Returns",
    "Served",
    "Store",
    "StoredMail",
    "Tally",
    "Thread",
    "TransitionError",
    "Unjudged",
    "Unread",
]
