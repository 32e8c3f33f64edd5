"""The name of a series, in the words of the field alone: free text may hold a patient's name."""

from __future__ import annotations

import re

_WORDS = frozenset(
    """
    t1 t2 pd t1w t2w pdw flair stir tirm tse fse frfse se ge gre fl2d fl3d ffe bffe tfe tfl mprage space
    vista cube vibe lava haste trufi fiesta ciss dess medic merge propeller blade ideal dixon mdixon
    flex dwi dti epi diff adc map spair spir fs fatsat fat water wat in opp out phase inphase outphase
    ip op ff r2 ax axi axial tra trans transverse sag sagittal cor coronal obl oblique 2d 3d w f iso ir
    rf pre post gd km nativ native mr mri ls l s c lws bws hws lwk lwks lumbar lumbal lendenwirbelsaeule
    spine wirbelsaeule l1 l2 l3 l4 l5 s1 th12 t12 disc block stack loc localizer localiser scout survey
    plan
    """.split()  # noqa: SIM905 (a paragraph is read more easily than a list)
)

#: As long as a name may be on a sheet.
_LONGEST = 60


def technical_words(text: str) -> str:
    """What is left of a description: terms of sequence, plane and place; "…" stands for the rest.

    >>> technical_words("T2_TSE_tra LWS")
    'T2 TSE tra LWS'
    >>> technical_words("t2 sag Miller 12.3.61")
    't2 sag …'
    """
    words: list[str] = []
    for word in re.findall(r"[^\W_]+", text):
        if word.casefold() in _WORDS:
            words.append(word)
        elif words[-1:] != ["…"]:
            words.append("…")
    kept = " ".join(words)
    return "" if kept == "…" else kept[:_LONGEST]
