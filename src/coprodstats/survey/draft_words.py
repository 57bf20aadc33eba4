"""Words by which labels and names show what a column is, in English, French and German."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise

_MISSING = (
    r"don'?t know|do(es)? not know|dk|refus(ed|al|e|es)|no answer|not answered|no response"
    r"|not applicable|n/?a|inap(plicable)?|missing.*|not asked|not available|declined.*|prefers? not.*"
    r"|rather not.*|unknown|(can'?t|cannot) (say|choose)|no opinion|not ascertained|not stated|skipped"
    r"|invalid|no code|undecided|ne sai[st] pas|nsp|sans reponse|pas de reponse|non[- ]reponse"
    r"|refus( de .*)?|non concerne.*|sans (objet|opinion)|ne se prononce pas|non applicable|manquant.*"
    r"|ne (souhaite|veut) pas.*|non posee?|wei(ss|ß) (ich )?nicht|keine angaben?|k\.? ?a\.?|verweigert.*"
    r"|nicht anwendbar|nicht erhoben|fehlend.*|entfallt|kann ich nicht sagen|keine (antwort|meinung)"
    r"|nicht zutreffend|unbekannt|nicht gefragt|tnz"
)
_MISSING_LABEL = re.compile(rf"\W*({_MISSING})\b\W*(({_MISSING}|or|ou|oder|et|und|and)\b\W*)*")

# Rungs from lowest to highest; a label is on the rung of the longest phrase that it begins with.
_LADDERS = (
    (
        "no|not mentioned|not selected|not chosen|not marked|unchecked|non|pas cite|nein|nicht genannt",
        "yes|mentioned|selected|chosen|marked|checked|oui|cite|ja|genannt",
    ),
    (
        "never|not at all|jamais|nie|niemals",
        "hardly ever|almost never|rarely|seldom|less often|presque jamais|rarement|selten|fast nie|seltener",
        "occasionally|once in a while|de temps en temps|gelegentlich|hin und wieder|ab und zu",
        "sometimes|now and then|parfois|quelquefois|manchmal",
        "often|frequently|regularly|souvent|frequemment|regulierement|oft|haufig|regelmassig",
        "very often|most of the time|usually|tres souvent|la plupart du temps|sehr oft|sehr haufig|meistens",
        "always|toujours|immer",
    ),
    (
        "never|not at all|jamais|nie|niemals",
        "less than once a year|less often|moins souvent|seltener",
        "yearly|once a year|at least once a year|une fois par an|einmal im jahr|jahrlich",
        "several times a year|plusieurs fois par an|mehrmals im jahr",
        "monthly|once a month|at least once a month|une fois par mois|einmal im monat|monatlich",
        "several times a month|plusieurs fois par mois|mehrmals im monat",
        "weekly|once a week|at least once a week|une fois par semaine|einmal in der woche|wochentlich",
        "several times a week|more than once a week|plusieurs fois par semaine|mehrmals in der woche",
        "daily|every day|almost every day|tous les jours|chaque jour|taglich|jeden tag",
    ),
    (
        "none|nothing|not at all|no difference|no|pas du tout|aucune?|rien|gar nicht|uberhaupt nicht"
        "|keine?n?",
        "very little|hardly|hardly any|tres peu|a peine|sehr wenig|kaum",
        "little|a little|not much|not very much|small|peu|un peu|pas beaucoup|wenig|ein wenig|nicht viel",
        "some|somewhat|moderate|moderately|to some extent|partly|moyennement|en partie|etwas|teilweise"
        "|mittel",
        "much|a lot|quite a lot|quite|fairly|large|a fair amount|beaucoup|assez|viel|ziemlich",
        "very much|very|a great deal|big|a big|completely|extremely|enormement|tres|tout a fait"
        "|sehr viel|sehr",
    ),
    (
        "(far |much )?too (little|few|small|low)|trop peu|(viel )?zu wenige?",
        "(about |just )?(right|the right amount)|juste ce qu'il faut|(genau|gerade) richtig",
        "(far |much )?too (much|many|big|high)|trop|(viel )?zu viele?",
    ),
    (
        "very low|tres bas|tres faible|sehr niedrig",
        "low|lower|bas|basse|faible|niedrig|gering",
        "middle|medium|moyen|moyenne|mittel|mittlere",
        "high|higher|eleve|elevee|haut|haute|hoch|hohe",
        "very high|tres eleve|tres elevee|sehr hoch",
    ),
    (
        "no (formal )?(education|schooling|qualification)|none|aucun diplome|sans diplome|ohne abschluss"
        "|kein abschluss|less than primary",
        "primary|elementary|primaire|ecole primaire|grundschule|hauptschul(e|abschluss)",
        "lower secondary|college|brevet|realschul(e|abschluss)|mittlere reife",
        "secondary|upper secondary|high school|lycee|baccalaureat|bac|abitur|gymnasium|secondaire",
        "post-?secondary|vocational|some college|bac ?\\+ ?2|ausbildung|lehre|berufsausbildung",
        "tertiary|higher|university|bachelor.*|degree|licence|universite|superieur|hochschul(e|abschluss)"
        "|universitat|studium",
        "postgraduate|master.*|doctor.*|phd|doctorat|promotion",
    ),
)
_POSITIVE = (
    r"good|satisfied|safe|secure|agree|important|likely|interested|clean|healthy|easy|happy|confident|clear"
    r"|well|positive|fair|better|improved|trust|bon(ne)?|bien|satisfaite?s?|d'accord|sure?|important[es]*"
    r"|probable|interessee?|propre|facile|heureu(x|se)|gut|gute|zufrieden|sicher|stimme|wichtig|wahrscheinlich"
    r"|interessiert|sauber|gesund|leicht|einfach|glucklich|besser|trifft"
)
_NEGATIVE = (
    r"bad|poor|dissatisfied|unsatisfied|unsafe|insecure|disagree|unimportant|unlikely|uninterested|dirty"
    r"|unhealthy|difficult|hard|unhappy|negative|unfair|worse|distrust|mauvaise?|mal|insatisfaite?s?|desaccord"
    r"|improbable|sale|difficile|malheureu(x|se)|schlecht|schlechte|unzufrieden|unsicher|lehne|unwichtig"
    r"|unwahrscheinlich|schmutzig|ungesund|schwer|schwierig|unglucklich|schlechter"
)
_STRONG = (
    r"very|strongly|fully|completely|totally|extremely|much|tres|tout a fait|sehr|voll|vollig|ganz|stark"
)
_WEAK = r"fairly|rather|quite|somewhat|tend|slightly|a bit|plutot|assez|eher|ziemlich|teilweise|tends"
_NOT = r"not|no|pas|ne|nicht|kein|keine|peu|wenig"
_AT_ALL = r"not at all|pas du tout|gar nicht|uberhaupt nicht"
_MIDDLE = (
    r"neither|neutral|ni|weder|teils|mixed|unchanged|the same|average|moyenn?e?|mittelmassig|unentschieden"
)

NAMES: Mapping[str, str] = {
    "id": r"(resp|respondent|case|person|household|record|interview|serial|subject|user|participant)?[_ ]?"
    r"(id|idno|ident|nr|no|num|number|key|serial|code|uuid|identifiant|kennung)|respid|idno|lfdnr|caseid",
    "weight": r".*(weight|wght|wgt|gewicht|gewichtung|poids|pond(eration)?)[0-9]*"
    r"|w[0-9]{0,2}|wt[0-9]?|pw|wts?|.*_wt|wt_.*|w_.*|wtss.*|wt(mec|int|saf|dr|ph)[a-z0-9]*|_?llcpwt"
    r"|(per|hh|asec|final|pop|samp|case|person|indiv)wt[a-z0-9]*",
    "stratum": r".*(strat(um|a|ify|e|es|id)?|schicht(ung)?)[0-9]*|sdmvstra|_?ststr|vestr|xstrat.*",
    "fpc": r"fpc[0-9]?|.*_fpc",
    "psu": r".*(psu|cluster|sampling_?point|samp_?point|grappe|klumpen|segment|\bea)[0-9]*",
    "age": r"age[0-9]?|.*_age|agea|age_.*|alter|edad|lalter|ageresp",
    "birth year": r".*(yrbrn|birth_?year|year_?(of_?)?birth|yob|geburtsjahr|gebjahr"
    r"|annee_?(de_?)?naissance)[a-z]*",
    "gender": r".*(gender|gndr|geschlecht|sexe?|genre)[0-9]*",
    "education": r".*(educ?|edu|education|eisced|isced|bildung|schul|diplome|etudes|school).*",
    "work": r".*(employ|work|job|occup|erwerb|emploi|activite|mnactic|beruf).*",
    "place": r".*(urban|rural|town|city|domicil|commune|gemeinde|wohnort|settlement).*",
    "income": r".*(income|hinctnta|einkommen|revenu).*",
    "country": r"(country|cntry|nation|land|pays|staat)[a-z_]*",
    "efficacy": r".*(effic|psppsgv|actrolg|influence|wirksam).*",
}
_LABELS: Mapping[str, str] = {
    "weight": r"(?<!body )(?<!birth )\b(weight|weighting|gewicht|gewichtung|poids|ponderation)\b"
    r"(?!.*\b(kg|kilo))",
    "stratum": r"\b(stratum|strata|stratification|schicht|strate)\b",
    "psu": r"\b(primary sampling unit|psu|sampling point|sample point|cluster|grappe|klumpen)\b",
    "age": r"\b(age|alter)\b",
    "birth year": r"\b(year of birth|birth year|born|geburtsjahr|annee de naissance)\b",
    "gender": r"\b(gender|sex|geschlecht|sexe|genre)\b",
    "education": r"\b(education|qualification|schooling|bildung|schulabschluss|diplome|etudes)\b",
    "work": r"\b(employment|employed|occupation|erwerb|beruf|emploi|working status|main activity)\b",
    "place": r"\b(urban|rural|town|city|domicile|gemeinde|commune|type of area)\b",
    "income": r"\b(income|einkommen|revenus?)\b",
    "country": r"\b(country|pays)\b",
    "efficacy": r"\b(difference|efficacy|influence|say in|bewirken|einfluss)\b",
    "group": r"\b(groups?|club|association|organi[sz]ation|together|meetings?|committee|collective\w*"
    r"|gruppen?|verein|initiative|gemeinsam|associatif|collecti(f|ve|vement)|ensemble|reunions?)\b",
}


def plain(text: str) -> str:
    """Return a label without capitals, accents and typographic marks.

    Examples
    --------
    >>> plain("  Très  D’accord ")
    "tres d'accord"
    """
    folded = unicodedata.normalize("NFD", text.casefold().replace("’", "'"))
    return " ".join("".join(char for char in folded if not unicodedata.combining(char)).split())


def means_missing(label: str) -> bool:
    """Say whether a label stands for the lack of an answer.

    Examples
    --------
    >>> [means_missing(label) for label in ("Don't know", "Keine Angabe", "Ne sait pas / refus", "Nobody")]
    [True, True, True, False]
    """
    return _MISSING_LABEL.fullmatch(plain(label)) is not None


def speaks_of(topic: str, name: str, label: str = "") -> bool:
    """Say whether a column's name or label speaks of a topic.

    Examples
    --------
    >>> speaks_of("weight", "pspwght"), speaks_of("weight", "v12", "Body weight (kg)")
    (True, False)
    >>> speaks_of("group", "q3", "Member of a group of neighbours")
    True
    """
    by_name = topic in NAMES and re.fullmatch(NAMES[topic], plain(name)) is not None
    return by_name or (topic in _LABELS and re.search(_LABELS[topic], plain(label)) is not None)


def order_of(labels: Sequence[str]) -> int:
    """Return how the labels of a scale run: 1 for rising, −1 for falling, 0 where their words don't tell.

    Examples
    --------
    >>> order_of(["never", "sometimes", "often"]), order_of(["Stimme voll zu", "Stimme eher nicht zu"])
    (1, -1)
    >>> order_of(["18-29", "30-49", "50 and more"]), order_of(["red", "green"])
    (1, 0)
    """
    if len(labels) < 2:
        return 0
    texts = [plain(label) for label in labels]
    for scores in _readings(texts):
        if None not in scores and (direction := _direction(scores)):
            return direction
    return 0


def partly_ordered(labels: Sequence[str]) -> bool:
    """Say whether some of the words of a scale run in one order, though not all of them are known.

    Examples
    --------
    >>> partly_ordered(["never", "when asked", "often"]), partly_ordered(["red", "green", "blue"])
    (True, False)
    """
    for scores in _readings([plain(label) for label in labels]):
        known = [score for score in scores if score is not None]
        if len(known) >= 2 and 2 * len(known) >= len(scores) and _direction(known):
            return True
    return False


def _readings(texts: Sequence[str]) -> list[list[float | None]]:
    ladders = [[_rung(text, ladder) for text in texts] for ladder in _LADDERS]
    return [[_first_number(text) for text in texts], *ladders, [_leaning(text) for text in texts]]


def _direction(scores: Sequence[float | None]) -> int:
    known = [score for score in scores if score is not None]
    if all(low < high for low, high in pairwise(known)):
        return 1
    return -1 if all(low > high for low, high in pairwise(known)) else 0


def _rung(text: str, ladder: Sequence[str]) -> float | None:
    found = [
        (match.end(), float(rung))
        for rung, phrases in enumerate(ladder)
        if (match := re.match(rf"({phrases})\b", text))
    ]
    return max(found)[1] if found else None


def _first_number(text: str) -> float | None:
    # Intervals as R writes them: (19,39] and [65,Inf).
    if interval := re.fullmatch(r"[(\[] ?(-inf|[+-]?[0-9.]+(?:e[+-]?[0-9]+)?) ?, ?[^,]+[)\]]", text):
        return float(interval[1])
    below = re.match(r"(under|below|less than|up to|moins de|unter|bis)\s", text)
    number = re.search(r"[0-9]+(?:[.,][0-9]+)*", text)
    if number is None:
        return None
    value = float(re.sub(r"[.,]", "", number[0]))
    return value - 0.5 if below else value


def _leaning(text: str) -> float | None:
    """Return how strongly a label speaks for (above 0) or against (below 0) something."""
    if re.match(rf"({_MIDDLE})\b", text):
        return 0.0
    negative = re.search(rf"\b({_NEGATIVE})\b", text)
    positive = re.search(rf"\b({_POSITIVE})\b", text)
    if not (negative or positive):
        return None
    sign = -1.0 if negative else 1.0
    if re.search(rf"\b({_AT_ALL})\b", text):
        return -3.0
    negated = re.search(rf"\b({_NOT})\b", text)
    if negated and positive and not negative:
        # "not very safe" is mild, "not safe" is plain.
        return -1.0 if re.search(rf"\b({_STRONG}|{_WEAK})\b", text) else -2.0
    if re.search(rf"\b({_WEAK})\b", text):
        return sign
    return sign * (3.0 if re.search(rf"\b({_STRONG})\b", text) else 2.0)
