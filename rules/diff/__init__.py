# SPDX-License-Identifier: GPL-2.0-or-later
"""Read patches into values: what the author changed, and each file before and after the change.

`parse` reads the text of a mail; `image` combines the changes with the files of a kernel tree. A diff is read
completely or not at all, and an image never contains a guessed line.
"""
