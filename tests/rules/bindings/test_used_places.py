# SPDX-License-Identifier: GPL-2.0-or-later
from rules.bindings.used_places import used_places
from tests.rules.bindings.trees import bindings


def test_each_use_of_c_has_its_place_and_form() -> None:
    places = {(place.name, place.path, place.line, place.form) for place in used_places(bindings())}

    assert {
        ("lamp_on", "rust/kernel/lamp.rs", 4, "bindings"),
        ("lamp_level", "rust/helpers/lamp.c", 3, "helper"),
        ("lamp.level", "rust/kernel/lamp.rs", 7, "field"),
        ("light", "rust/kernel/gated.rs", 3, "bindings"),
    } <= places
    assert "lamp_off" not in {name for name, *_ in places}


def test_an_enumerator_is_found_by_both_of_its_names() -> None:
    places = [place for place in used_places(bindings()) if place.name in ("LAMP_ON", "lamp_state_LAMP_ON")]

    assert {(place.name, place.line) for place in places} == {("LAMP_ON", 14), ("lamp_state_LAMP_ON", 14)}
