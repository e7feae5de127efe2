# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules about comments and documentation."""
