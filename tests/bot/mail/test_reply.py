# SPDX-License-Identifier: GPL-2.0-or-later
"""The message-ids of our mails: always the same for the same mail, and computable only with the key."""

from dataclasses import replace

from bot.mail.address import Address
from bot.mail.reply import Identity

IDENTITY = Identity(Address("patchwarden", "bot@bot.example.org"), "1.0", key=b"k" * 32)


def test_the_message_id_of_a_mail_never_changes() -> None:
    """A database of an earlier version would send each mail again under another id."""
    assert (
        IDENTITY.message_id("list@example.org", "1@x", "1", "review")
        == "d37bbdbffc813b7c31360dcf9b7b0c1c@bot.example.org"
    )


def test_each_part_and_the_key_decide_about_the_message_id() -> None:
    ids = [
        IDENTITY.message_id("a", "b"),
        IDENTITY.message_id("b", "a"),
        IDENTITY.message_id("a", "b", ""),
        IDENTITY.message_id("ab"),
        IDENTITY.message_id("a\udcff", "b"),
        replace(IDENTITY, key=b"l" * 32).message_id("a", "b"),
        replace(IDENTITY, sender=Address("", "bot@other.example.org")).message_id("a", "b"),
    ]

    assert len(set(ids)) == len(ids)
    assert {len(message_id.partition("@")[0]) for message_id in ids} == {32}
