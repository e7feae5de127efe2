# SPDX-License-Identifier: GPL-2.0-or-later
"""Render a review as the body of a mail. Pure."""
