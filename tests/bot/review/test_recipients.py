# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from bot.mail.address import Address
from bot.mail.address_book import AddressBook
from bot.mail.posting import Posting
from bot.review.consent import Consent, Mode, strictest
from bot.review.model import Recipients
from bot.review.recipients import PersonalConsent, RecipientContext, recipients
from tests.bot.review.factories import AUTHOR, LIST, Maker

OTHER = Address("", "linux-leds@lists.example.org")
HIDDEN = Address("", "kernel@corp.example.org")
BELA = Address("Bela", "bela@example.org")
CARA = "cara@example.org"
PATH = "rust/kernel/led.rs"


def context(mode: Mode = Mode.LIST, lists: Sequence[str] = (LIST.address,), **more: object) -> RecipientContext:
    known = {name: Consent(mode, ("maintainer@example.org",)) for name in lists}
    values: dict[str, object] = {"consent": lambda named: strictest(named, known, Consent(Mode.DRY_RUN))} | more
    return RecipientContext(**values)  # type: ignore[arg-type]  # the values are a field each


def posting(
    make: Maker, *cc: Address, carriers: tuple[str, ...] = (LIST.address,), author: Address = AUTHOR
) -> Posting:
    posting = make.posting(cc=cc, author=author)
    parts = tuple(replace(part, carriers=carriers) for part in posting.parts)
    lists = {LIST.address} | {address.address for address in cc if "@lists." in address.address}
    return replace(posting, parts=parts, lists=tuple(sorted(lists)))


def to_and_cc(patch_posting: Posting, known: RecipientContext) -> tuple[list[str], list[str]]:
    chosen = recipients(patch_posting, patch_posting.parts[0], known)
    return _addresses(chosen.to), _addresses(chosen.cc)


def _addresses(addresses: Sequence[Address]) -> list[str]:
    return [address.address for address in addresses]


def _reason(patch_posting: Posting, known: RecipientContext) -> str:
    chosen = recipients(patch_posting, patch_posting.parts[0], known)
    assert chosen == Recipients(reason=chosen.reason)
    return chosen.reason


@pytest.mark.parametrize(
    ("mode", "cc"),
    [
        (Mode.LIST, [LIST.address, BELA.address]),
        (Mode.DRY_RUN, [LIST.address, BELA.address]),
        (Mode.AUTHOR, ["maintainer@example.org"]),
        (Mode.MODERATE, ["maintainer@example.org"]),
    ],
)
def test_only_mode_list_and_its_dry_run_copy_others(make: Maker, mode: Mode, cc: list[str]) -> None:
    assert to_and_cc(posting(make, BELA), context(mode)) == ([AUTHOR.address], cc)


def test_a_list_that_is_off_gets_nothing(make: Maker) -> None:
    assert _reason(posting(make, BELA), context(Mode.OFF)) == "the list is switched off"


@pytest.mark.parametrize("other", [OTHER, HIDDEN])
def test_a_list_that_did_not_bring_the_mail_gets_no_copy(make: Maker, other: Address) -> None:
    known = context(lists=(LIST.address, other.address), book=AddressBook(lists=frozenset({HIDDEN.address})))

    assert to_and_cc(posting(make, other, BELA), known)[1] == [LIST.address, BELA.address]


def test_without_proof_of_any_list_only_people_get_a_copy(make: Maker) -> None:
    assert to_and_cc(posting(make, BELA, carriers=()), context())[1] == [BELA.address]


def test_a_list_that_brought_the_mail_and_is_not_named_gets_a_copy(make: Maker) -> None:
    known = context(lists=(LIST.address, OTHER.address))

    assert to_and_cc(posting(make, carriers=(LIST.address, OTHER.address)), known)[1] == [LIST.address, OTHER.address]


def test_a_list_that_only_maintainers_names_has_its_say(make: Maker) -> None:
    patch_posting = posting(make, HIDDEN, BELA)
    strict = replace(context(), book=AddressBook(lists=frozenset({HIDDEN.address})))

    assert context().consent_of(patch_posting).mode is Mode.LIST
    assert strict.consent_of(patch_posting).mode is Mode.DRY_RUN
    assert strict.lists_of(patch_posting) == (HIDDEN.address, LIST.address)


@pytest.mark.parametrize(
    "address",
    [
        "robot@example.org",
        "lkp@intel.com",
        "no-reply@example.org",
        "noreply+a@example.org",
        "bot@example.org",
        "bot+token@example.org",
        "devnull+ann.example.org@kernel.org",
        LIST.address,
        HIDDEN.address,
        "wanted-none@example.org",
        "via@odd.example.com",
    ],
)
def test_what_is_no_person_or_wants_no_mail_is_neither_written_to_nor_copied(make: Maker, address: str) -> None:
    book = AddressBook(frozenset({"bot@example.org"}), frozenset({HIDDEN.address}), frozenset({"robot@example.org"}))
    known = context(lists=(LIST.address, HIDDEN.address), book=book, ignored=frozenset({"wanted-none@example.org"}))
    author = Address("Ann via odd" if address.startswith("via") else "Ann", address)

    assert _reason(posting(make, author=author), known)
    if address not in (LIST.address, "via@odd.example.com"):
        assert address not in to_and_cc(posting(make, author), known)[1]


@pytest.mark.parametrize("mode", [Mode.LIST, Mode.AUTHOR, Mode.MODERATE, Mode.DRY_RUN])
def test_a_maintainer_who_consented_gets_a_copy_in_every_mode(make: Maker, mode: Mode) -> None:
    def owners(paths: Iterable[str]) -> frozenset[str]:
        return frozenset({CARA, "other@example.org"}) if PATH in tuple(paths) else frozenset()

    people = (PersonalConsent("Cara@Example.org"), PersonalConsent("nobody@example.org"))
    by_list = (PersonalConsent("fay@example.org", frozenset({LIST.address})),)

    copies = to_and_cc(posting(make), context(mode, people=(*people, *by_list), owners=owners))[1]

    assert copies[-2:] == ["Cara@Example.org", "fay@example.org"]
    assert not {"other@example.org", "nobody@example.org"} & set(copies)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_to_and_cc_together_stay_within_the_limit(make: Maker, mode: Mode, limit: int) -> None:
    crowd = tuple(Address("", f"s{number}@people.example.com") for number in range(300))
    people = tuple(PersonalConsent(f"p{number}@example.org", frozenset({LIST.address})) for number in range(4))

    to, cc = to_and_cc(posting(make, *crowd), context(mode, people=people, limit=limit))

    assert len(to) + len(cc) <= limit
    assert len(to) == (mode is not Mode.OFF)
    assert not [address for address in cc if address.endswith("people.example.com")]


def test_of_a_crowd_the_lists_and_the_owners_of_the_files_remain(make: Maker) -> None:
    crowd = tuple(Address("", f"s{number}@people.example.com") for number in range(300))
    known = context(owners=lambda paths: frozenset({"s7@people.example.com", "elsewhere@example.org"}))

    chosen = recipients(patch_posting := posting(make, *crowd), patch_posting.parts[0], known)

    assert _addresses(chosen.cc) == [LIST.address, "s7@people.example.com"]
    assert chosen.reason == "more than 100 recipients: author, lists and maintainers only"


def test_each_part_is_answered_to_its_own_author(make: Maker) -> None:
    patch_posting = posting(make)
    other = replace(patch_posting, parts=(replace(patch_posting.parts[0], author=BELA),))

    assert to_and_cc(other, context(Mode.AUTHOR))[0] == [BELA.address]


@pytest.mark.parametrize(
    "address",
    [
        "root@localhost",
        "admin@intranet",
        "root@localhost.localdomain",
        "ann@pc.local",
        "ann@10.0.0.1",
        "ann@x.internal",
    ],
)
def test_an_address_of_one_machine_or_network_gets_nothing(make: Maker, address: str) -> None:
    local = Address("", address)

    assert "an address of one machine or network" in _reason(posting(make, author=local), context())
    assert to_and_cc(posting(make, local), context()) == ([AUTHOR.address], [LIST.address])
