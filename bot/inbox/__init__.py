# SPDX-License-Identifier: GPL-2.0-or-later
"""Where mail comes from."""
