# SPDX-License-Identifier: GPL-2.0-or-later
"""Analyse postings, review the findings, draft and freeze the mails.

`check`, `replay`, the service and re-checks call these steps and stop at the one they need. `context` has everything
that decides the result, except the posting. `freeze` alone composes a mail for the outbox and decides whether it is
held. `pending` compares an analysed posting with the pending ones in the process of the caller: only then is it known
which names to look up, and of two postings that are analysed in parallel the later one sees the other.
"""
