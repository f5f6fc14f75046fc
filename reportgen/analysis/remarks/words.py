"""Words that the sentences of all sections are made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reportgen.report.remark import Remark
from reportgen.system.language import say


def listed(parts: Sequence[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    if len(parts) == 1:
        return parts[0]
    return say("{first} and {last}", first=", ".join(parts[:-1]), last=parts[-1])


def tell_together(told: Sequence[tuple[str, Sequence[str]]]) -> list[tuple[str, list[str]]]:
    """Return what is said of cases, so that a sentence which holds for several of them stands once, with their names.

    Parameters
    ----------
    told
        (title, sentences) of each case, in their order.

    Returns
    -------
    list
        (titles, sentences): of each case what holds for it alone, then what holds for several.
    """
    of: dict[str, list[str]] = {}
    for title, sentences in told:
        for sentence in sentences:
            of.setdefault(sentence, []).append(title)
    alone = [(title, [one for one in sentences if len(of[one]) == 1]) for title, sentences in told]
    together: dict[str, list[str]] = {}
    for sentence, titles in of.items():
        if len(titles) > 1:
            together.setdefault(listed(titles), []).append(sentence)
    return [(title, sentences) for title, sentences in (*alone, *together.items()) if sentences]


def interpret_once(remarks: Sequence[Remark]) -> tuple[Remark, ...]:
    """Return remarks of which each reading stands only with the last that it belongs to: it holds for those before.

    Warnings stay whole: each may be shown alone.
    """
    last = {(one.section, one.target, one.interpretation): at for at, one in enumerate(remarks) if not one.warning}
    return tuple(
        one
        if one.warning or last[one.section, one.target, one.interpretation] == at
        else replace(one, interpretation="")
        for at, one in enumerate(remarks)
    )
