# SPDX-License-Identifier: GPL-2.0-or-later
"""The web pages and their JSON: read-only, without JavaScript."""
