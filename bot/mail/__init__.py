# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse mails and compose them; pure."""
