# SPDX-License-Identifier: GPL-2.0-or-later
"""Read C declarations, in complete files and in the fragments that hunks show."""
