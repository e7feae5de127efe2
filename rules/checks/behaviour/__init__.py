# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules about unsafe code and its SAFETY comments."""
