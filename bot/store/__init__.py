# SPDX-License-Identifier: GPL-2.0-or-later
"""What is remembered; the rows never leave this folder."""
