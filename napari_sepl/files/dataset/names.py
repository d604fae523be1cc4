"""Names of files as people mean them: letter case, forms of letters, and what follows the sample.

macOS and Windows take names that differ only in letter case for one, and macOS writes é as e and an
accent, so a data set that was moved has one name in two forms.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from itertools import takewhile
from typing import TypeVar
from unicodedata import normalize

KNOWN_TAILS = (
    "_leftImg8bit", "_gtFine_labelIds", "_gtFine_labelTrainIds", "_gtCoarse_labelIds",
    "_gtCoarse_labelTrainIds", "_labelIds", "_labelTrainIds", "_image", "_images", "_img", "_rgb",
    "_sat", "_label", "_labels", "_mask", "_masks", "_seg", "_segmentation", "_gt", "_pseudo",
    "_pseudo_label", "_pseudo_labels", "_pred", "_prediction", "_cam", "_cams", "_sam",
)  # fmt: skip
"""What stems of many data sets end in, beside the sample's name; Cityscapes' come first."""

_SEPARATORS = "_-. "
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")
Key = TypeVar("Key")


def fold(name: str) -> str:
    """Return the one form of all names that a person takes for the same."""
    if name.isascii():  # nearly all: a tenth of the time
        return name.lower()
    return normalize("NFC", normalize("NFC", name).lower())


class Folded(Set[str]):
    """A set of names that holds a name in any letter case and form."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {fold(name) for name in names}

    def __contains__(self, name: object) -> bool:
        """Return whether the name is held, in any form."""
        return isinstance(name, str) and fold(name) in self._names

    def __iter__(self) -> Iterator[str]:
        """Iterate over the folded names."""
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def list_line(name: str) -> str:
    """Return the line by which a list names a sample, as `names_in` reads it.

    It is the name, for training scripts; a name that no line can hold is written as JSON.
    """
    plain = name == name.strip() and not name.startswith(("#", '"')) and not _CONTROL.search(name)
    return name if plain else json.dumps(name)


def names_in(line: str) -> list[str]:
    """Return what a quoted line of a list may name: the quoted text, and that as JSON."""
    if len(line) < 3 or line[0] != '"' or line[-1] != '"':
        return []
    try:
        return [line[1:-1], str(json.loads(line))]
    except ValueError:
        return [line[1:-1]]


def alike(names: Collection[str]) -> list[list[str]]:
    """Return the groups of names that differ only in letter case or form."""
    if len({fold(name) for name in names}) == len(names):
        return []
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(fold(name), []).append(name)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def without_tail(stem: str, tail: str) -> str | None:
    """Return a stem without its tail, in any letter case; None if it does not end so."""
    if not tail:
        return stem
    here = len(stem) - len(tail)
    return stem[:here] if here > 0 and stem[here:].lower() == tail.lower() else None


def find_tails(
    ids: Mapping[Key, Collection[str]], fixed: Collection[Key]
) -> tuple[dict[Key, str], dict[Key, tuple[str, ...]]]:
    """Find by which tails files pair that do not pair by their stems.

    Known tails count, and what all stems of one role end in, from a separator on.

    Parameters
    ----------
    ids : mapping of role to str
        The stems of each role; those of the first role name the samples.
    fixed : collection of role
        Roles whose tails are given, and already left out.

    Returns
    -------
    tails : dict of role to str
        The tail of each role that has one; none if each role has a stem of the first one.
    doubtful : dict of role to tuple of str
        Roles of which several tails fit as well.
    """
    stems = {role: {fold(one) for one in some} for role, some in ids.items() if some}
    if not stems:
        return {}, {}
    (lead, first), *others = stems.items()
    if all(first & found for _, found in others):
        return {}, {}
    best: tuple[tuple[int, int], dict[Key, str], dict[Key, tuple[str, ...]]] = (0, 0), {}, {}
    for tail in [""] if lead in fixed else _candidates(first):
        samples, chosen, doubtful = _cut(first, tail), {lead: tail}, {}
        pairs = []
        for role, found in others:
            choices = [""] if role in fixed else _candidates(found, (tail,))
            if tail and tail not in _FOLDED_TAILS:
                choices = [one for one in choices if one in ("", *_FOLDED_TAILS)]
            counts = {one: len(samples & _cut(found, one)) for one in choices}
            most = max(counts.values())
            fitting = [one for one, count in counts.items() if count == most > 0]
            pairs.append(most)
            if fitting:
                chosen[role] = fitting[0]
            if len(fitting) > 1 and fitting[0]:
                doubtful[role] = tuple(fitting)
        score = sum(map(bool, pairs)), sum(pairs)
        if score > best[0]:
            best = score, chosen, doubtful
    tails = {role: _FOLDED_TAILS.get(one, one) for role, one in best[1].items() if one}
    asked = {
        role: tuple(_FOLDED_TAILS.get(one, one) for one in some) for role, some in best[2].items()
    }
    return tails, asked


_FOLDED_TAILS = {tail.lower(): tail for tail in KNOWN_TAILS}


def _candidates(stems: Set[str], more: Collection[str] = ()) -> list[str]:
    """Return the tails that some stems may have, none first and the longest known one next."""
    known = [*sorted(_FOLDED_TAILS, key=len, reverse=True), *more]
    found = ["", *(tail for tail in known if tail and any(one.endswith(tail) for one in stems))]
    common = _common_end(stems) if len(stems) > 1 else ""
    for place, sign in enumerate(common):
        if sign in _SEPARATORS and any(map(str.isalpha, common[place:])):
            found.append(common[place:])
    return list(dict.fromkeys(found))


def shared_tails(ids: Collection[str]) -> list[tuple[str, int]]:
    """Return what stems end in beside the sample's name, and how many do; the longest first."""
    stems = {fold(one) for one in ids}
    tails = sorted(_candidates(stems), key=len, reverse=True)
    found: list[tuple[str, int]] = []
    for tail in filter(None, tails):
        ending = {one for one in stems if one.endswith(tail) and one != tail}
        if ending and not any(fold(longer).endswith(tail) for longer, _ in found):
            found.append((_FOLDED_TAILS.get(tail, tail), len(ending)))
    return found


def _common_end(stems: Set[str]) -> str:
    backwards = [stem[::-1] for stem in stems]
    pairs = zip(min(backwards), max(backwards), strict=False)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))[::-1]


def _cut(stems: Set[str], tail: str) -> Set[str]:
    return {one for stem in stems if (one := without_tail(stem, tail)) is not None}
