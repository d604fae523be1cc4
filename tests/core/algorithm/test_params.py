"""The settings: bounds, names, and what sliders, command line and files read of them."""

from typing import Any

import pytest
from pydantic import ValidationError

from napari_sepl import Params
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy


def test_the_paper_s_defaults() -> None:
    params = Params()
    assert (params.t1, params.t2) == (0.5, 0.85)
    assert (params.strategy, params.conflict) == (Strategy.PAPER, Conflict.HIGHEST_ID)


@pytest.mark.parametrize("name", ["t1", "t2"])
@pytest.mark.parametrize("share", [-0.001, 1.001, 85, float("nan"), float("inf"), "half", None])
def test_shares_lie_in_0_to_1(name: str, share: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        Params.model_validate({name: share})


@pytest.mark.parametrize("share", [0, 1, 0.0, 1.0, 5e-324])
def test_the_bounds_themselves_are_allowed(share: float) -> None:
    assert Params(t1=share, t2=share).t1 == share


@pytest.mark.parametrize(
    "wrong", [{"strategy": "best"}, {"conflict": "largest"}, {"t3": 0.5}, {"strategy": "Paper"}]
)
def test_unknown_names_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Params.model_validate(wrong)


def test_names_may_be_text() -> None:
    params = Params.model_validate({"strategy": "released", "conflict": "pseudo"})
    assert params == Params(strategy=Strategy.RELEASED, conflict=Conflict.PSEUDO)


@pytest.mark.parametrize(
    ("first", "conflict"), [("ascending", Conflict.HIGHEST_ID), ("seed", Conflict.PSEUDO)]
)
def test_the_first_names_of_conflict_rules_are_still_read(first: str, conflict: Conflict) -> None:
    assert Params.model_validate({"conflict": first}).conflict is conflict


def test_params_never_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Params().t1 = 0.6  # type: ignore[misc]


def test_params_come_back_from_a_file() -> None:
    params = Params(t1=1 / 3, t2=0.1, strategy=Strategy.RELEASED, conflict=Conflict.SMALLEST)
    assert Params.model_validate_json(params.model_dump_json()) == params
    assert {Params(), params, params.model_copy()} == {Params(), params}


def test_every_setting_has_a_title_and_a_help() -> None:
    for field in Params.model_fields.values():
        assert field.title
        assert field.description
