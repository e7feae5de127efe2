# SPDX-License-Identifier: GPL-2.0-or-later
"""The results of verifying a mail's signatures when it arrived."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from rules.lazy import dataclass, field

KEY_KINDS: Final = ("ed25519", "openpgp", "openssh")
"""The kinds of developers' keys, and the folders of a patatt keyring."""


class SignatureResult(StrEnum):
    """The result of verifying a signature."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"  # There is no key, so nothing is known about the mail.


@dataclass(frozen=True, slots=True)
class Attestation:
    """One signature of a mail: `kind` is "dkim" or "patatt", `identity` the domain or address that signed.

    `aligned` says that the identity is the author's: the domain of From or one above it, or the address itself. Only a
    valid and aligned one proves who wrote the mail; `reason` says what an invalid one lacks. `signed` are the names, in
    lower case, of the headers that the signature covers.

    A valid developer signature also has its time, and the command lines of the text that it covers; None if these
    lines depend on how the text is read.
    """

    kind: str
    identity: str
    verdict: SignatureResult
    aligned: bool
    reason: str = ""
    signed: frozenset[str] = field(default=frozenset(), compare=False)
    signed_at: datetime | None = field(default=None, compare=False)
    command_lines: tuple[tuple[str, str], ...] | None = field(default=None, compare=False)

    @property
    def proves_author(self) -> bool:
        return self.verdict is SignatureResult.VALID and self.aligned
