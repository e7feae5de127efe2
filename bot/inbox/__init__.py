# SPDX-License-Identifier: GPL-2.0-or-later
"""Sources of mail."""
