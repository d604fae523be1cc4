"""SEPL written as plainly as its definitions read, from dense arrays.

Slow on purpose: what it computes is what the package must compute, pixel for pixel. Of the
package it knows the names of the settings and nothing else.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_sepl.core.algorithm.params import Conflict, Params
from napari_sepl.core.algorithm.strategies import Strategy

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Claims = list[tuple[int, Mask]]  # "class k wants these pixels"


def naive_enhance(pseudo: Labels, masks: NDArray[np.bool_], params: Params) -> Labels:
    """Enhance (H, W) pseudo-labels with (N, H, W) masks."""
    seeds = {int(k): pseudo == k for k in np.unique(pseudo) if k not in (0, 255)}
    real_masks = [mask for mask in masks if mask.any()]
    if params.strategy is Strategy.PAPER:
        unclaimed = np.where(pseudo == 255, 255, 0)
        claims = paper_claims(seeds, real_masks, params)
    elif params.strategy is Strategy.TREE:
        unclaimed = np.where(pseudo == 255, 255, 0)
        selected, kept = choose_levels(seeds, real_masks, params)
        claims = [(k, real_masks[index]) for index, k in selected.items()] + list(kept.items())
    else:
        unclaimed = np.zeros(pseudo.shape)
        claims = released_claims(seeds, real_masks, params)
    return settle(pseudo, unclaimed.astype(np.uint8), claims, params.conflict)


def shared(mask: Mask, seed: Mask) -> int:
    return int(np.count_nonzero(mask & seed))


def area(mask: Mask) -> int:
    return int(np.count_nonzero(mask))


def paper_claims(seeds: dict[int, Mask], masks: list[Mask], params: Params) -> Claims:
    members: dict[int, list[Mask]] = {k: [] for k in seeds}
    for mask in masks:
        met = {k: shared(mask, seed) for k, seed in seeds.items()}
        most = max(met.values(), default=0)
        if most > 0:
            members[min(k for k in met if met[k] == most)].append(mask)
    claims: Claims = []
    for k, seed in seeds.items():
        selected = []
        for mask in members[k]:
            o_s = shared(mask, seed) / area(mask)
            o_p = shared(mask, seed) / area(seed)
            if o_s > params.t1 or o_p > params.t2:
                selected.append((k, mask))
        claims += selected or [(k, seed)]
    return claims


def released_claims(seeds: dict[int, Mask], masks: list[Mask], params: Params) -> Claims:
    claims: Claims = []
    free = masks
    for k in sorted(seeds):
        left = seeds[k].copy()
        still_free = []
        for mask in free:
            left &= ~mask
            o_s = shared(mask, seeds[k]) / area(mask)
            o_p = shared(mask, seeds[k]) / area(seeds[k])
            if o_s > params.t1 or o_p >= params.t2:
                claims.append((k, mask))
            else:
                still_free.append(mask)
        claims.append((k, left))
        free = still_free
    return claims


def choose_levels(
    seeds: dict[int, Mask],
    masks: list[Mask],
    params: Params,
    decisions: Mapping[int, int] | None = None,
) -> tuple[dict[int, int], dict[int, Mask]]:
    """Return the class of each mask that `tree` takes, and what it keeps of each class.

    A person's `decisions` name the class of a mask, -1 to refuse it.
    """
    decisions = {i: k for i, k in (decisions or {}).items() if i >= 0 and masks[i].any()}
    parents = parents_of(masks)
    sizes = {k: piece_sizes(seed) for k, seed in seeds.items()}
    gains: dict[int, tuple[int, float]] = {}
    for index, mask in enumerate(masks):
        met = {k: shared(mask, seed) for k, seed in seeds.items()}
        most = max(met.values(), default=0)
        if most > 0 and index not in decisions:
            k = min(k for k in met if met[k] == most)
            price = 0.18 * params.t1 / max(1 - params.t1, 1e-9)
            piece = int(sizes[k][mask].sum()) / most
            gains[index] = k, most - price * (area(mask) - most) - 0.1 * piece
    selected = {index: k for k in seeds for index in best_of_nests(parents, gains, k)[1]}
    selected |= {index: k for index, k in decisions.items() if k >= 0}
    kept = {}
    for k, seed in seeds.items():
        of_class = [index for index in selected if selected[index] == k]
        kept[k] = kept_of_class(seed, masks, parents, of_class, params)
    return selected, {k: left for k, left in kept.items() if left.any()}


def parents_of(masks: list[Mask]) -> dict[int, int]:
    """Return, smallest mask first, the next larger one that holds nine tenths of it, or -1."""
    if not masks:
        return {}
    flat = np.array([mask.ravel() for mask in masks], np.float32)
    common = flat @ flat.T  # exact up to 2**24 pixels
    ranked = sorted(range(len(masks)), key=lambda i: (common[i, i], i))
    parents = {}
    for place, part in enumerate(ranked):
        need = math.ceil(0.9 * float(common[part, part]))
        holders = [whole for whole in ranked[place + 1 :] if common[part, whole] >= need]
        parents[part] = holders[0] if need and holders else -1
    return parents


def piece_sizes(seed: Mask) -> NDArray[np.int64]:
    """Return, at each pixel of a class, the size of the connected piece it lies in; else 0."""
    numbers, _ = ndimage.label(seed)
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    return np.asarray(sizes[numbers])


def best_of_nests(
    parents: dict[int, int], gains: dict[int, tuple[int, float]], k: int, whole: int = -1
) -> tuple[float, list[int]]:
    """Return the highest sum of gains for class k below a mask, and the masks that give it."""
    total, chosen = 0.0, []
    for part in [part for part, parent in parents.items() if parent == whole]:
        below, inner = best_of_nests(parents, gains, k, part)
        of_class, gain = gains.get(part, (0, 0.0))
        takes = of_class == k and gain > below
        total += gain if takes else below
        chosen += [part] if takes else inner
    return total, chosen


def kept_of_class(
    seed: Mask,
    masks: list[Mask],
    parents: dict[int, int],
    selected: list[int],
    params: Params,
) -> Mask:
    """Return what stays of a class beside the masks `selected` for it."""
    if not selected:
        return seed
    supported = np.any([seed, *masks], axis=0)
    for mask in masks:
        if mask.any() and shared(mask, seed) / area(mask) <= params.t1:
            supported &= ~mask
    outermost = [
        masks[index] for index in selected if not set(above(parents, index)) & set(selected)
    ]
    numbers, count = ndimage.label(seed)
    for number in range(1, count + 1):
        piece = numbers == number
        if sum(shared(mask, piece) for mask in outermost) / area(piece) > params.t2:
            supported &= np.any([~piece, *masks], axis=0)
    return np.asarray(seed & supported)


def above(parents: dict[int, int], index: int) -> list[int]:
    """Return the masks around a mask."""
    around = []
    while (index := parents[index]) >= 0:
        around.append(index)
    return around


def settle(pseudo: Labels, unclaimed: Labels, claims: Claims, conflict: Conflict) -> Labels:
    """Give each pixel to the claim that ranks highest there."""
    labels = unclaimed.copy()
    highest = np.full(pseudo.shape, -np.inf)
    for k, claim in claims:
        rank = np.full(pseudo.shape, float(k))
        if conflict is Conflict.PSEUDO:
            rank[pseudo == k] += 1000
        if conflict is Conflict.SMALLEST:
            rank -= 1000.0 * area(claim)
        wins = claim & (rank > highest)
        labels[wins] = k
        highest[wins] = rank[wins]
    return labels


def naive_decided(
    pseudo: Labels, masks: NDArray[np.bool_], params: Params, decisions: dict[int, int]
) -> Labels:
    """Enhance as a strategy does, with a person's decisions on top."""
    seeds = {int(k): pseudo == k for k in np.unique(pseudo) if k not in (0, 255)}
    if params.strategy is Strategy.TREE:
        selected, kept = choose_levels(seeds, list(masks), params, decisions)
    else:
        selected, kept = choose_by_thresholds(masks, seeds, params, decisions)
    claims: Claims = [(k, masks[index]) for index, k in selected.items()]
    claims += [(k, seed) for k, seed in kept.items() if -k not in decisions]
    claims += [(k, seeds[-r]) for r, k in decisions.items() if r < 0 and k >= 0]
    released = params.strategy is Strategy.RELEASED
    unclaimed = np.where((pseudo == 255) & ~released, 255, 0).astype(np.uint8)
    labels = settle(pseudo, unclaimed, claims, params.conflict)
    decided = [(k, masks[r]) for r, k in sorted(decisions.items()) if r >= 0 and k >= 0]
    decided += [(k, seeds[-r]) for r, k in decisions.items() if r < 0 and k >= 0]
    for k, region in sorted(decided, key=lambda claim: -area(claim[1])):
        labels[region] = k
    return labels


def naive_brought(
    pseudo: Labels, masks: NDArray[np.bool_], params: Params, brought: dict[int, int]
) -> Labels:
    """Enhance as a strategy does, with masks selected for the classes they bring."""
    seeds = {int(k): pseudo == k for k in np.unique(pseudo) if k not in (0, 255)}
    if params.strategy is Strategy.TREE:
        selected, kept = choose_levels(seeds, list(masks), params, brought)
    else:
        selected, kept = choose_by_thresholds(masks, seeds, params, brought)
    claims: Claims = [(k, masks[index]) for index, k in selected.items()] + list(kept.items())
    released = params.strategy is Strategy.RELEASED
    unclaimed = np.where((pseudo == 255) & ~released, 255, 0).astype(np.uint8)
    return settle(pseudo, unclaimed, claims, params.conflict)


def choose_by_thresholds(
    masks: NDArray[np.bool_], seeds: dict[int, Mask], params: Params, decisions: dict[int, int]
) -> tuple[dict[int, int], dict[int, Mask]]:
    """Return the masks selected and the pixels kept by Algorithm 1 or by the released code."""
    paper = params.strategy is Strategy.PAPER
    selected = {
        index: k
        for index, mask in enumerate(masks)
        if mask.any() and (k := (paper_class if paper else released_class)(mask, seeds, params))
    }
    for region, class_id in decisions.items():
        if region >= 0 and masks[region].any():
            selected.pop(region, None)
            if class_id >= 0:
                selected[region] = class_id
    kept = {}
    for k, seed in seeds.items():
        if paper and k not in selected.values():
            kept[k] = seed
        if not paper:
            free = [m for i, m in enumerate(masks) if selected.get(i, 255) >= k]
            kept[k] = seed & ~np.any([np.zeros_like(seed), *free], axis=0)
    return selected, kept


def paper_class(mask: Mask, seeds: dict[int, Mask], params: Params) -> int:
    """Return the class that Algorithm 1 selects a mask for, 0 for none."""
    met = {k: shared(mask, seed) for k, seed in seeds.items()}
    most = max(met.values(), default=0)
    if not most:
        return 0
    k = min(k for k in met if met[k] == most)
    return k if most / area(mask) > params.t1 or most / area(seeds[k]) > params.t2 else 0


def released_class(mask: Mask, seeds: dict[int, Mask], params: Params) -> int:
    """Return the lowest class that the released code selects a mask for, 0 for none."""
    for k in sorted(seeds):
        both = shared(mask, seeds[k])
        if both / area(mask) > params.t1 or both / area(seeds[k]) >= params.t2:
            return k
    return 0
