# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings in variables of the environment, which override those of the settings file."""

from typing import Any

from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as VariableError

from bot.error import SettingsError
from bot.settings import PREFIX
from bot.settings.aliases import RepeatedSettingError, new_variable, with_new_names
from bot.settings.tables import Settings


def read_with_environment(values: dict[str, Any]) -> Settings:
    """Return the settings with these values and those of the environment. Raises SettingsError and ValidationError."""
    try:
        return _Settings(**values)
    except VariableError as error:
        raise SettingsError(f"settings: {error}") from error


def read_environment() -> dict[str, Any]:
    """Return the settings in the environment, with the old names that tables in the value of a variable contain."""
    return _Environment(_Settings).written()


class _Settings(Settings, BaseSettings):
    """The settings of a file and of the environment."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the library's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return _Environment(settings_cls), init_settings


class _Environment(EnvSettingsSource):
    """The settings in the environment. Old names are accepted."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        variables: dict[str, str | None] = {}
        for name, value in self.env_vars.items():
            renamed = new_variable(name)
            if renamed != name and renamed in self.env_vars:
                raise RepeatedSettingError(f"{name.upper()} is the old name of {renamed.upper()}; give only one")
            variables[renamed] = value
        self.env_vars = variables

    def __call__(self) -> dict[str, Any]:
        return with_new_names(self.written())

    def written(self) -> dict[str, Any]:
        """Return the settings, with the old names that tables in the value of a variable contain."""
        return super().__call__()
