# SPDX-License-Identifier: GPL-2.0-or-later
"""The composition root: build adapters and jobs from the settings."""
