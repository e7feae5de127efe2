# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules on unsafe code and its SAFETY comments."""
