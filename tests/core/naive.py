"""SEPL written as plainly as section 2 of the design reads, from dense arrays.

Slow on purpose: what it computes is what the package must compute, pixel for pixel. Of the
package it knows the names of the settings and nothing else.
"""

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.params import Conflict, Params, Strategy

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
        taken = []
        for mask in members[k]:
            o_s = shared(mask, seed) / area(mask)
            o_p = shared(mask, seed) / area(seed)
            if o_s > params.t1 or o_p > params.t2:
                taken.append((k, mask))
        claims += taken or [(k, seed)]
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


def settle(pseudo: Labels, unclaimed: Labels, claims: Claims, conflict: Conflict) -> Labels:
    """Give each pixel to the claim that ranks highest there."""
    labels = unclaimed.copy()
    highest = np.full(pseudo.shape, -np.inf)
    for k, claim in claims:
        rank = np.full(pseudo.shape, float(k))
        if conflict is Conflict.SEED:
            rank[pseudo == k] += 1000
        if conflict is Conflict.SMALLEST:
            rank -= 1000.0 * area(claim)
        wins = claim & (rank > highest)
        labels[wins] = k
        highest[wins] = rank[wins]
    return labels
