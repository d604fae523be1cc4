"""The settings of SEPL as options, the same for all commands that take them."""

from typing import Any

import typer
from pydantic import ValidationError

from napari_sepl.cli._command import refuse_setting
from napari_sepl.core.params import Params


def setting(name: str, shown: str = "") -> Any:
    """Return the option for a field of Params, with its help and bounds.

    Parameters
    ----------
    name : str
        The field.
    shown : str
        What the help says of the default, where that is not the option's own.
    """
    field = Params.model_fields[name]
    bounds = {
        option: value
        for bound in field.metadata
        for option, value in (
            ("min", getattr(bound, "ge", None)),
            ("max", getattr(bound, "le", None)),
        )
        if value is not None
    }
    return typer.Option(f"--{name}", help=field.description, show_default=shown or True, **bounds)


def overwriting(does: str, never: str = "what another program wrote") -> Any:
    """Return the option --overwrite, with what it does in a command and what it never replaces."""
    return typer.Option("--overwrite", help=f"{does}; never {never}.")


def params_of(**settings: object) -> Params:
    """Return the settings that options name, or say which is out of bounds."""
    try:
        return Params.model_validate(settings)
    except ValidationError as error:  # what the options' bounds let through: "nan"
        refuse_setting(error, Params.model_fields)
