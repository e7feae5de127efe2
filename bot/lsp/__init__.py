# SPDX-License-Identifier: GPL-2.0-or-later
"""The language server: diagnostics, hover and quick fixes for editors."""
