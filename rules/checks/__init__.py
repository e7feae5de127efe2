# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules, one file each, a folder a family."""
