# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse mails and compose them; pure.

The parser reads headers with the policy compat32 and bodies itself: the newer policies of the standard library raise
exceptions on real mail, and its multipart parser recurses. `state` has the states of a mail in the outbox and their
transitions. `posting_codec` encodes postings, which refer to raw mails for their texts: a worker encodes what it
assembles, and the process between the workers reads only the head and passes the texts on.
"""
