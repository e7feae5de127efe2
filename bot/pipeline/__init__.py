# SPDX-License-Identifier: GPL-2.0-or-later
"""Analyse postings, review the findings, draft and freeze the mails."""
