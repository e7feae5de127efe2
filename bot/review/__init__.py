# SPDX-License-Identifier: GPL-2.0-or-later
"""Reviews: which findings are reported, which are withheld, and who gets the mail. Pure."""
