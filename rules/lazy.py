# SPDX-License-Identifier: GPL-2.0-or-later
"""Regular expressions and data classes that cost nothing until they are used, and properties without a lock.

A command uses a small part of the expressions and classes that its modules define. `re.compile` of the standard library
takes 0.1 ms, and `dataclass` 0.7 ms for a class, because it compiles six methods. Import both from here instead:

    from rules.lazy import cached_property, dataclass, field, re, replace

`re.compile` compiles at the first use of the expression. `dataclass` writes `__init__` when the class was called often;
its other methods need no compilation. Data classes here have no bases with fields. They are pickled as calls of their
classes, which is read faster than their state. The type checker refuses changes of frozen values; nothing does so while
the program runs, because values would be made more slowly: 2.5 % of an analysis. `cached_property` of Python 3.11 takes
a lock that a value of one thread does not need: 2 % of an analysis.
"""

import re as _re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

_MISSING: Final[Any] = object()
_ATTRIBUTES: Final = [name for name in dir(_re.Pattern) if not name.startswith("_") and name != "pattern"]
_MAX_UNCOMPILED: Final = 20  # values of a class before its `__init__` is compiled, which takes as long as 50 or more


class LazyPattern:
    """A regular expression that is compiled at its first use. It then has the attributes of `re.Pattern`."""

    def __init__(self, pattern: str | bytes, flags: int = 0) -> None:
        self.pattern = pattern
        self._flags = flags

    def __reduce__(self) -> tuple[Any, ...]:
        return _Uncompiled, (self.pattern, self._flags)


class _Uncompiled(LazyPattern):
    """An expression before its first use. Later its class has no `__getattr__`, which would slow each use down."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        compiled = _re.compile(self.pattern, self._flags)
        for attribute in _ATTRIBUTES:
            setattr(self, attribute, getattr(compiled, attribute))
        self.__class__ = LazyPattern  # type: ignore[assignment]
        return getattr(self, name)


class _CachedProperty:
    """A property that is computed at its first use, as that of functools since Python 3.12."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._compute(instance)
        return value


class _Field:
    """What `field` declares."""

    def __init__(self, default: Any = _MISSING, factory: Any = _MISSING, *, compare: bool, is_shown: bool) -> None:
        self.default = default
        self.factory = factory
        self.compare = compare
        self.is_shown = is_shown


_REQUIRED: Final = _Field(compare=True, is_shown=True)  # most fields are like this, and share it


def _field(*, default: Any = _MISSING, default_factory: Any = _MISSING, compare: bool = True, **shown: bool) -> Any:
    return _Field(default, default_factory, compare=compare, is_shown=shown.get("repr", True))


def _dataclass(*, frozen: bool = False, eq: bool = True, slots: bool = False) -> Callable[[type[Any]], type[Any]]:
    def build(declared: type[Any]) -> type[Any]:
        namespace = dict(vars(declared))
        fields: dict[str, _Field] = {}
        for name in declared.__annotations__:  # since Python 3.14 they are not in the namespace
            if name not in namespace:
                fields[name] = _REQUIRED
                continue
            default = namespace[name]
            is_field = isinstance(default, _Field)
            fields[name] = default if is_field else _Field(default, compare=True, is_shown=True)
            if slots or is_field:
                del namespace[name]
        names = tuple(fields)
        namespace.pop("__dict__", None)
        namespace.pop("__weakref__", None)
        if slots:
            namespace["__slots__"] = names
        namespace["__match_args__"] = names
        namespace["__dataclass_fields__"] = _StandardFields(fields)
        namespace.setdefault("__repr__", _show)
        values = _tuple_of(names)
        namespace["__reduce__"] = lambda self: (kind, values(self))
        if eq:
            compared = _tuple_of([name for name, item in fields.items() if item.compare])
            has_hash = namespace.get("__hash__") is not None
            if "__eq__" not in namespace:
                namespace["__eq__"] = _equality(compared)
            if not has_hash:
                namespace["__hash__"] = (lambda self: hash(compared(self))) if frozen else None
        namespace["__init__"] = _first_init(lambda: kind, fields)
        meta: Any = type(declared)
        kind: type[Any] = meta(declared.__name__, declared.__bases__, namespace)
        return kind

    return build


def _replace(value: Any, /, **changes: Any) -> Any:
    kind, values = value.__reduce__()
    return kind(**{**dict(zip(kind.__match_args__, values, strict=True)), **changes})


def _first_init(kind: Callable[[], type[Any]], fields: Mapping[str, _Field]) -> Any:
    """Return the `__init__` of a class for its first values: later, or for wrong arguments, it compiles another."""
    number = 0

    def init(self: Any, *values: Any, **named: Any) -> None:
        nonlocal number
        number += 1
        given = _values_of(fields, values, named) if number <= _MAX_UNCOMPILED else None
        if given is None:
            kind().__init__ = _write_init(kind(), fields)
            kind().__init__(self, *values, **named)
            return
        for name, value in zip(fields, given, strict=True):
            setattr(self, name, value)
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    return init


def _values_of(fields: Mapping[str, _Field], values: Sequence[Any], named: Mapping[str, Any]) -> Sequence[Any] | None:
    """Return the value of each field of a new value, or None if these arguments do not fit."""
    if len(values) == len(fields) and not named:
        return values
    given, unused = list(values), len(named)
    for name, item in islice(fields.items(), len(values), None):
        if name in named:
            given.append(named[name])
            unused -= 1
        elif item.factory is not _MISSING:
            given.append(item.factory())
        elif item.default is not _MISSING:
            given.append(item.default)
        else:
            return None
    return None if unused or len(given) > len(fields) else given


def _write_init(kind: type[Any], fields: Mapping[str, _Field]) -> Any:
    """Return `__init__` of the class: a function with one argument for each field."""
    arguments, lines = ["self"], []
    namespace: dict[str, Any] = {"_MISSING": _MISSING}
    for name, item in fields.items():
        value = name
        if item.factory is not _MISSING:
            namespace[f"_default_{name}"] = item.factory
            arguments.append(f"{name}=_MISSING")
            value = f"_default_{name}() if {name} is _MISSING else {name}"
        elif item.default is not _MISSING:
            namespace[f"_default_{name}"] = item.default
            arguments.append(f"{name}=_default_{name}")
        else:
            arguments.append(name)
        lines.append(f"    self.{name} = {value}")
    if hasattr(kind, "__post_init__"):
        lines.append("    self.__post_init__()")
    exec(f"def __init__({', '.join(arguments)}):\n" + "\n".join(lines or ["    pass"]), namespace)  # noqa: S102 as in the standard library
    return namespace["__init__"]


def _tuple_of(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that returns the values of these fields."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _equality(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, object], bool]:
    def is_equal(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return is_equal


def _show(self: Any) -> str:
    fields = vars(type(self))["__dataclass_fields__"]
    shown = fields.shown if isinstance(fields, _StandardFields) else [n for n, item in fields.items() if item.repr]
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


class _StandardFields:
    """The attribute `__dataclass_fields__`, which pydantic and `dataclasses` read. It is made when they read it."""

    def __init__(self, fields: Mapping[str, _Field]) -> None:
        self._fields = fields

    @property
    def shown(self) -> list[str]:
        """The names of the fields that `repr` shows."""
        return [name for name, item in self._fields.items() if item.is_shown]

    def __get__(self, instance: object, owner: type[Any]) -> dict[str, Any]:
        import dataclasses

        def standard(item: _Field) -> Any:
            given = {"default": item.default, "default_factory": item.factory}
            known = {name: value for name, value in given.items() if value is not _MISSING}
            return dataclasses.field(**known, compare=item.compare, repr=item.is_shown)

        members = [(name, owner.__annotations__[name], standard(item)) for name, item in self._fields.items()]
        twin: Any = dataclasses.make_dataclass(owner.__name__, members, init=False, repr=False, eq=False)
        result: dict[str, Any] = twin.__dataclass_fields__
        setattr(owner, "__dataclass_fields__", result)  # noqa: B010 mypy knows no such attribute
        return result


if TYPE_CHECKING:
    import re
    from dataclasses import dataclass, field, replace
    from functools import cached_property
else:
    re = SimpleNamespace(**{**vars(_re), "compile": _Uncompiled})
    cached_property, dataclass, field, replace = _CachedProperty, _dataclass, _field, _replace

__all__ = ["LazyPattern", "cached_property", "dataclass", "field", "re", "replace"]
