# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong before any adapter is asked."""


class SettingsError(Exception):
    """The settings cannot be used; the message names the file, the key and what is wrong with it."""
