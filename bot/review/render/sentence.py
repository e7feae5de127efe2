# SPDX-License-Identifier: GPL-2.0-or-later
"""The type of the texts in our mails."""


class Sentence(str):
    """A text of a mail, with the names of its values in braces: `Also at {lines}.`

    `python -m bot.reference` finds these values in the modules that define them and lists them in docs/mail-texts.md.
    """

    __slots__ = ()
