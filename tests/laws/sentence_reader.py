"""Reads the narrative's sentences back into what they claim, without the code that wrote them.

Each language has its own patterns. A sentence that no pattern knows is a fault: nothing printed goes unread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

MOST_WORDS = 25

# How each language says what; <who> and <event> are any words, other names in brackets are kept.
_SAID = {
    "en": {
        "more": ["<who> were more likely <event>"],
        "less": ["<who> were less likely <event>"],
        "small": ["<who> were about as likely <event>"],
        "open": ["We could not tell whether <who> were more or less likely <event>"],
        "consider": ["Consider <who>"],
        "size more": ["That is about <people> more in 100 people (<points> percentage points, <span>)"],
        "size less": ["That is about <people> fewer in 100 people (<points> percentage points, <span>)"],
        "size more below one": [
            "That is less than 1 more in 100 people (<points> percentage points, <span>)"
        ],
        "size less below one": [
            "That is less than 1 fewer in 100 people (<points> percentage points, <span>)"
        ],
        "size small": ["Any difference is smaller than <bound> points (<span>)"],
        "size open": ["The estimate was <points> percentage points (<span>)"],
        "links stronger": ["The link is stronger for <more> than for <less>, by <points> points (<span>)"],
        "links opposite": [
            "The link is positive for <more> and negative for <less>: <points> points apart (<span>)"
        ],
        "links apart": ["The link lies higher for <more> than for <less>, by <points> points (<span>)"],
        "links small": ["Any difference between the two links is smaller than <bound> points (<span>)"],
        "links open": [
            "We could not tell whether the two links differ (<more> minus <less>: <points> points, <span>)"
        ],
        "links caution": ["One result being clear and the other not does not show that they differ"],
        "level about": ["About <share> in 100 people were estimated <event> (<shares>)"],
        "level below one": ["Fewer than 1 in 100 people were estimated <event> (<shares>)"],
        "level above 99": ["More than 99 in 100 people were estimated <event> (<shares>)"],
    },
    "fr": {
        "more": ["<who> étaient plus susceptibles <event>", "Leur probabilité <event> était plus élevée"],
        "less": ["<who> étaient moins susceptibles <event>", "Leur probabilité <event> était plus faible"],
        "small": [
            "<who> étaient environ aussi susceptibles <event>",
            "Leur probabilité <event> était à peu près la même",
        ],
        "open": [
            "Nous ne savons pas si <who> étaient plus ou moins susceptibles <event>",
            "Nous ne savons pas si leur probabilité <event> était plus ou moins élevée",
        ],
        "consider": ["Considérons <who>"],
        "size more": [
            "Cela représente environ <people> de plus sur 100 personnes (<points> de pourcentage, <span>)"
        ],
        "size less": [
            "Cela représente environ <people> de moins sur 100 personnes (<points> de pourcentage, <span>)"
        ],
        "size more below one": [
            "Cela représente moins de 1 de plus sur 100 personnes (<points> de pourcentage, <span>)"
        ],
        "size less below one": [
            "Cela représente moins de 1 de moins sur 100 personnes (<points> de pourcentage, <span>)"
        ],
        "size small": ["Tout écart est inférieur à <bound> points de pourcentage (<span>)"],
        "size open": ["L’estimation est de <points> de pourcentage (<span>)"],
        "links stronger": [
            "Le lien est plus fort pour « <more> » que pour « <less> » : <points> d’écart (<span>)"
        ],
        "links opposite": [
            "Le lien est positif pour « <more> » et négatif pour « <less> » : <points> d’écart (<span>)"
        ],
        "links apart": [
            "Le lien est plus haut pour « <more> » que pour « <less> » : <points> d’écart (<span>)"
        ],
        "links small": [
            "Tout écart entre les deux liens est inférieur à <bound> points de pourcentage (<span>)"
        ],
        "links open": [
            "Nous ne savons pas si les liens diffèrent (« <more> » moins « <less> » : <points>, <span>)"
        ],
        "links caution": ["Qu’un résultat soit net et l’autre non ne montre pas qu’ils diffèrent"],
        "level about": ["La probabilité estimée <event> est d’environ <share> sur 100 (<shares>)"],
        "level below one": ["La probabilité estimée <event> n’atteint pas 1 sur 100 (<shares>)"],
        "level above 99": ["La probabilité estimée <event> dépasse 99 sur 100 (<shares>)"],
    },
}
_NUMBER = {"en": r"[+−]?\d+(?:\.\d+)?", "fr": r"[+−]?\d+(?:,\d+)?"}
_TEXT = r"[^.()]+?"
_SPANS = {
    "en": {"<span>": "95% interval <low> to <high>", "<shares>": "95% interval <low>% to <high>%"},
    "fr": {
        "<span>": "intervalle de confiance à 95 % : <low> à <high>",
        "<shares>": "intervalle de confiance à 95 % : <low> % à <high> %",
    },
}

_CAUSAL = {
    "en": r"\b(effects?|caus\w+|impacts?|leads? to|led to|because|due to|driv\w+|influenc\w+|determin\w+)\b",
    "fr": r"\b(effets?|caus\w+|impacts?|entraîn\w+|provoqu\w+|grâce à|en raison|influenc\w+|détermin\w+)\b",
}
_ALLOWED = {"en": "not proof of cause", "fr": "non la preuve d’une cause"}
_P_VALUE = re.compile(r"\bp[\s-]*(valu|val\.|[<>=])|signif|\bH0\b", re.IGNORECASE)


@dataclass(frozen=True)
class Claimed:
    """What one sentence claims; ``what`` names the kind of sentence."""

    what: str
    more: str = ""
    less: str = ""
    people: Decimal | None = None
    points: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    bound: Decimal | None = None
    share: Decimal | None = None


def read(sentence: str, language: str) -> Claimed:
    """Return what a sentence claims; exactly one kind of sentence must know it."""
    found = [
        _claimed(what, match.groupdict())
        for what, templates in _SAID[language].items()
        for template in templates
        if (match := re.fullmatch(_pattern(template, language), normal(sentence)))
    ]
    assert len(found) == 1, (sentence, found)
    return found[0]


def _pattern(template: str, language: str) -> str:
    for name, text in _SPANS[language].items():
        template = template.replace(name, text)
    pattern = re.escape(template).replace(r"\ ", " ") + r"\."
    if language == "fr":
        # From two on French has the plural: "1,5 point", "2,0 points".
        one, more = r"[+−]?[01](?:,\d+)?(?= point\b)", r"[+−]?(?:[2-9]|\d\d+)(?:,\d+)?(?= points\b)"
        pattern = pattern.replace("<points>", rf"(?P<points>{one}|{more}) points?")
    for name in ("who", "event", "more", "less"):
        pattern = pattern.replace(f"<{name}>", f"(?P<{name}>{_TEXT})")
    for name in ("people", "points", "low", "high", "bound", "share"):
        pattern = re.sub(rf"(?<!P)<{name}>", lambda _, n=name: f"(?P<{n}>{_NUMBER[language]})", pattern)
    return pattern


def _claimed(what: str, groups: dict[str, str | None]) -> Claimed:
    texts = {name: text for name, text in groups.items() if name in ("more", "less") and text}
    numbers = {
        name: number(text)
        for name, text in groups.items()
        if name not in ("who", "event", "more", "less") and text
    }
    return Claimed(what=what, **texts, **numbers)


def number(text: str) -> Decimal:
    """Return a printed number."""
    return Decimal(text.replace("−", "-").replace("+", "").replace(",", "."))


def normal(text: str) -> str:
    """Return a text with plain spaces, as a reader sees it."""
    return text.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{NO-BREAK SPACE}", " ")


def sentences(text: str) -> list[str]:
    """Return the sentences of a text: each ends with a full stop before a space or the end."""
    return [part for part in re.split(r"(?<=\.)\s+", normal(text).strip()) if part]


def faults_of_wording(text: str, language: str) -> list[str]:
    """Return what no sentence may hold: too many words, a p value, a word of cause."""
    found = []
    for sentence in sentences(text):
        words = [run for run in sentence.split() if any(c.isalnum() for c in run)]
        if len(words) > MOST_WORDS:
            found.append(f"{len(words)} words: {sentence}")
    plain = normal(text).replace(_ALLOWED[language], "")
    found += re.findall(_CAUSAL[language], plain, flags=re.IGNORECASE)
    return found + [match.group() for match in _P_VALUE.finditer(plain)]
