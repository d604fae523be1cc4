"""Algorithm 1 and the released code's way, written as plainly as the definitions read.

Slow on purpose: what it computes is what the package must compute, pixel for pixel.
"""

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.params import Conflict, Params, Strategy

Labels = NDArray[np.uint8]
Claims = list[tuple[int, NDArray[np.bool_]]]


def naive_enhance(pseudo: Labels, masks: NDArray[np.bool_], params: Params) -> Labels:
    classes = [int(c) for c in np.unique(pseudo) if c not in (0, 255)]
    masks = masks[masks.any(axis=(1, 2))]
    if params.strategy is Strategy.PAPER:
        claims = paper_claims(pseudo, masks, classes, params)
        base = np.where(pseudo == 255, 255, 0).astype(np.uint8)
    else:
        claims = released_claims(pseudo, masks, classes, params)
        base = np.zeros_like(pseudo)
    return settle(pseudo, base, claims, params.conflict)


def paper_claims(
    pseudo: Labels, masks: NDArray[np.bool_], classes: list[int], params: Params
) -> Claims:
    groups: dict[int, list[NDArray[np.bool_]]] = {k: [] for k in classes}
    for mask in masks:
        shared = {k: int((mask & (pseudo == k)).sum()) for k in classes}
        most = max(shared.values(), default=0)
        if most > 0:
            groups[min(k for k in classes if shared[k] == most)].append(mask)
    claims: Claims = []
    for k in classes:
        p_k = pseudo == k
        taken = []
        for mask in groups[k]:
            shared_k = int((mask & p_k).sum())
            if shared_k / mask.sum() > params.t1 or shared_k / p_k.sum() > params.t2:
                taken.append((k, mask))
        claims += taken or [(k, p_k)]
    return claims


def released_claims(
    pseudo: Labels, masks: NDArray[np.bool_], classes: list[int], params: Params
) -> Claims:
    free = list(range(len(masks)))
    claims: Claims = []
    for k in classes:
        p_k = pseudo == k
        covered = np.zeros(pseudo.shape, bool)
        for index in free:
            covered |= masks[index]
        still_free = []
        for index in free:
            shared = int((masks[index] & p_k).sum())
            if shared / masks[index].sum() > params.t1 or shared / p_k.sum() >= params.t2:
                claims.append((k, masks[index]))
            else:
                still_free.append(index)
        left = p_k & ~covered
        if left.any():
            claims.append((k, left))
        free = still_free
    return claims


def settle(pseudo: Labels, base: Labels, claims: Claims, conflict: Conflict) -> Labels:
    labels = base.copy()
    claimed = np.zeros(pseudo.shape, bool)
    by_seed = np.zeros(pseudo.shape, bool)
    least = np.full(pseudo.shape, pseudo.size + 1)
    for k, claim in sorted(claims, key=lambda pair: pair[0]):
        wins = claim.copy()
        if conflict is Conflict.SEED:
            wins &= ~by_seed | (pseudo == k)
            by_seed |= claim & (pseudo == k)
        if conflict is Conflict.SMALLEST:
            wins &= claim.sum() <= least
            least[wins] = claim.sum()
        labels[wins] = k
        claimed |= claim
    assert (labels[~claimed] == base[~claimed]).all()
    return labels
