# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from bot.review.consent import Consent, Mode, deciding_lists, strictest

KNOWN = {"open@example.org": Consent(Mode.LIST), "Author@example.org": Consent(Mode.AUTHOR, ("m@example.org",))}
OTHER = Consent(Mode.DRY_RUN)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        (("open@example.org",), Mode.LIST),
        (("open@example.org", "author@example.org"), Mode.AUTHOR),
        (("AUTHOR@example.org",), Mode.AUTHOR),
        (("open@example.org", "stranger@example.org"), Mode.DRY_RUN),
        ((), Mode.DRY_RUN),
    ],
)
def test_the_list_that_allows_least_decides(lists: tuple[str, ...], expected: Mode) -> None:
    assert strictest(lists, KNOWN, OTHER).mode == expected
    modes = {name: consent.mode for name, consent in KNOWN.items()}
    assert deciding_lists(lists, modes, OTHER.mode) == (expected, lists[-1:])


def test_the_maintainers_are_those_of_that_list() -> None:
    assert strictest(("open@example.org", "author@example.org"), KNOWN, OTHER).maintainers == ("m@example.org",)
