# SPDX-License-Identifier: GPL-2.0-or-later
"""What was found, in the forms that people and programs read; one file a format, all pure."""
