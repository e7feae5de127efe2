# SPDX-License-Identifier: GPL-2.0-or-later
"""Lazy data classes and expressions behave as those of the standard library."""

import copy
import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import TypeAdapter

from rules.lazy import LazyPattern, dataclass, field, re, replace

_LINE = re.compile(r"(\w+): (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """A frozen value."""

    path: str
    line: int = 0
    shown: str = field(default="", compare=False, repr=False)
    names: Sequence[str] = field(default_factory=list, compare=False)


@dataclass(slots=True)
class Tally:
    """A value that changes."""

    number: int = 0
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Identity:
    """A value without a comparison, and without slots."""

    name: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A value that checks its fields."""

    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("negative")

    def __str__(self) -> str:
        return f"number {self.number}"


class LateAnnotations(type):
    """Gives the annotations of a class as Python does since 3.14: the namespace of the class does not have them."""

    @property
    def __annotations__(cls) -> dict[str, Any]:  # type: ignore[override]
        return {"path": str, "line": int}


def test_annotations_that_are_not_in_the_namespace() -> None:
    kind: Any = dataclass(frozen=True)(LateAnnotations("Spot", (), {"line": 0}))

    assert (kind("a.rs").path, kind("a.rs").line, kind.__match_args__) == ("a.rs", 0, ("path", "line"))


def test_fields_and_defaults() -> None:
    place = Place("a.rs", line=3)

    assert (place.path, place.line, place.shown, place.names) == ("a.rs", 3, "", [])
    assert Place("a").names is not Place("a").names
    assert Place.__match_args__ == ("path", "line", "shown", "names")
    assert not hasattr(place, "__dict__")
    assert str(Checked(1)) == "number 1"
    with pytest.raises(TypeError, match="path"):
        Place()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="column"):
        Place("a", column=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="negative"):
        Checked(-1)


def test_the_first_values_are_as_those_after_init_is_compiled() -> None:
    @dataclass(frozen=True, slots=True)
    class Point:
        x: int
        y: int = 2
        names: Sequence[str] = field(default_factory=list)

        def __post_init__(self) -> None:
            if self.x < 0:
                raise ValueError("negative")

    init = vars(Point)["__init__"]
    for number in range(50):
        values = (Point(number), Point(x=number, y=2), Point(number, names=[]))
        assert set(map(repr, values)) == {f"{Point.__qualname__}(x={number}, y=2, names=[])"}
        with pytest.raises(ValueError, match="negative"):
            Point(-1)
    assert vars(Point)["__init__"] is not init
    with pytest.raises(TypeError, match="multiple values"):
        Point(1, x=1)  # type: ignore[misc]


def test_comparison_hash_and_representation() -> None:
    assert Place("a", 1, "x") == Place("a", 1, "y") != Place("a", 2)
    assert hash(Place("a", 1, "x")) == hash(Place("a", 1, "y"))
    assert repr(Place("a", 1, "x")) == "Place(path='a', line=1, names=[])"
    assert Tally(1) == Tally(1) != Tally(2)
    assert Identity("a") != Identity("a")
    with pytest.raises(TypeError, match="unhashable"):
        hash(Tally())


def test_a_value_that_is_not_frozen_changes() -> None:
    tally = Tally()
    tally.number += 1
    assert tally == Tally(1)
    Place("a").line = 1  # type: ignore[misc] # mypy fails if it does not refuse the change of a frozen value


def test_copies() -> None:
    place = Place("a", 1, "x", ("n",))

    assert replace(place, line=2) == Place("a", 2)
    assert dataclasses.replace(place, line=2) == Place("a", 2)
    assert replace(place, line=2).shown == "x"
    for twin in (pickle.loads(pickle.dumps(place)), copy.deepcopy(place)):
        assert (twin, twin.shown, twin.names) == (place, "x", ("n",))
    with pytest.raises(TypeError, match="column"):
        replace(place, column=1)  # type: ignore[call-arg]


def test_the_standard_library_and_pydantic_read_the_fields() -> None:
    assert dataclasses.is_dataclass(Tally)
    assert [item.name for item in dataclasses.fields(Place)] == ["path", "line", "shown", "names"]
    assert dataclasses.asdict(Tally(1, ["a"])) == {"number": 1, "names": ["a"]}
    adapter: TypeAdapter[Any] = TypeAdapter(tuple[Place, Tally])
    values = (Place("a", 1, "x", ["n"]), Tally(2))
    read = adapter.validate_json(adapter.dump_json(values))
    assert (read, read[0].shown) == (values, "x")


def test_an_expression() -> None:
    assert isinstance(_LINE, LazyPattern)
    assert _LINE.pattern == r"(\w+): (\d+)"
    assert [match[2] for match in _LINE.finditer("a: 1, B: 2")] == ["1", "2"]
    assert pickle.loads(pickle.dumps(_LINE)).sub("x", "a: 1") == "x"
    assert re.search("b", "abc") is not None
    assert not hasattr(type(_LINE), "__getattr__")  # after the first use
    with pytest.raises(re.error):
        re.compile("(").search("")


def test_nothing_is_compiled_before_its_first_use() -> None:
    program = (
        "import re, types\n"
        "import rules.lazy\n"
        "compiled = []\n"
        "count = lambda *given: compiled.append(given) or re.compile(*given)\n"
        "rules.lazy._re = types.SimpleNamespace(compile=count)\n"
        "from rules.registry import RULES, problems\n"
        "print(len(compiled))\n"
        "problems(RULES)\n"
        "print(len(compiled))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported, used = map(int, done.stdout.split())

    assert imported == 0
    assert used > 0
