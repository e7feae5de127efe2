# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of settings: a class with a field for each setting, which says all that is known of it.

pydantic takes eight times as long to load as Python takes to start, and most commands read settings (ADR 10).
"""

from typing import Any, ClassVar, Final, Self, dataclass_transform, get_args

from rules.lazy import dataclass, re

REQUIRED: Final[Any] = object()
"""The default of a setting that must be given."""


@dataclass(eq=False)
class Setting:
    """A setting: its default, its description, the values that it may have, and the type that its field has.

    `form` says in an error what matches `pattern`.
    """

    default: Any
    description: str
    ge: float | None = None
    le: float | None = None
    pattern: re.Pattern[str] | None = None
    form: str = ""
    kind: Any = None


def setting(default: Any, description: str, **bounds: Any) -> Any:
    """Declare a field of a table. The bounds are those of Setting."""
    return Setting(default, description, **bounds)


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Table:
    """A table of settings, which cannot be changed. A field that is itself a table only has its default.

    Values are checked when they are read (bot.settings.conversion), not when a table is made.
    """

    settings: ClassVar[dict[str, Setting]]
    _defaults: ClassVar[dict[str, Any]]

    def __init_subclass__(cls) -> None:
        declared = {name: vars(cls)[name] for name in cls.__annotations__}
        cls.settings = {
            name: value if isinstance(value, Setting) else Setting(value, type(value).__doc__ or "")
            for name, value in declared.items()
            if isinstance(value, Setting | Table)
        }
        for name, setting in cls.settings.items():
            setting.kind = cls.__annotations__[name]
        cls._defaults = declared | {name: setting.default for name, setting in cls.settings.items()}

    def __init__(self, **values: Any) -> None:
        vars(self).update(self._defaults | values)
        if wrong := [name for name, value in vars(self).items() if value is REQUIRED or name not in self._defaults]:
            raise TypeError(f"{type(self).__name__}: missing or unknown: {', '.join(wrong)}")

    def check(self) -> None:
        """Raise ValueError if settings of this table contradict each other."""

    def copy(self, **changes: Any) -> Self:
        """Return a table with other values of these settings."""
        return type(self)(**(vars(self) | changes))

    def __setattr__(self, name: str, *_: object) -> None:
        raise AttributeError(f"cannot change the setting {name!r}")

    __delattr__ = __setattr__

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


def is_table(kind: Any) -> bool:
    """Return whether a setting of this type is a table."""
    return isinstance(kind, type) and issubclass(kind, Table)


def tables_in(kind: Any) -> tuple[type[Table], ...]:
    """Return the tables that a setting of this type holds."""
    if is_table(kind):
        return (kind,)
    return tuple(dict.fromkeys(table for part in get_args(kind) for table in tables_in(part)))
