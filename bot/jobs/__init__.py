# SPDX-License-Identifier: GPL-2.0-or-later
"""The steps of the service: poll, review, deliver."""
