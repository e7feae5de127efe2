# SPDX-License-Identifier: GPL-2.0-or-later
"""The store of mails, postings, reviews and our mails. Its rows never leave this package."""
