"""What the literature suggests to policy: declared by an analysis, never made from its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from coprodstats.errors import ConfigError, Fault, did_you_mean, listed
from coprodstats.survey.toml_table import TomlTable

if TYPE_CHECKING:
    from coprodstats.reporting.claim_checks import Verdict

Standing = Literal["agrees", "disagrees", "untested", "open", "unlinked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One suggestion.

    Attributes
    ----------
    text
        The suggestion in the analysis' own words, a sentence or two.
    source
        Who made it.
    claims
        Ids of the claims that it rests on; may be empty.
    """

    text: str
    source: str
    claims: tuple[str, ...] = ()

    def standing(self, verdicts: Mapping[str, Verdict]) -> Standing:
        """Return how a run's verdicts stand to what the suggestion rests on.

        Parameters
        ----------
        verdicts
            The verdict on each claim by id.

        Examples
        --------
        >>> young = Suggestion(text="Address younger people.", source="Someone (2013)", claims=("C1", "C2"))
        >>> young.standing({"C1": "agrees", "C2": "disagrees"}), young.standing({})
        ('disagrees', 'untested')
        """
        found = {verdicts.get(claim, "not testable") for claim in self.claims}
        if not found:
            return "unlinked"
        if "disagrees" in found:
            return "disagrees"
        if found == {"agrees"}:
            return "agrees"
        return "untested" if found == {"not testable"} else "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefingPlan:
    """What a briefing holds beside what was found.

    Attributes
    ----------
    suggestions
        What the literature suggests to policy.
    references
        Where to read it.
    """

    suggestions: tuple[Suggestion, ...] = ()
    references: tuple[str, ...] = ()


def read_briefing(table: TomlTable) -> BriefingPlan:
    """Read the ``[briefing]`` of an analysis; faults are recorded in the table.

    Parameters
    ----------
    table
        The table, with ``suggestions = [{ text = "…", source = "…", claims = ["…"] }]`` and ``references``.
    """
    table.refuse_unknown(("suggestions", "references"))
    raw = table.content.get("suggestions", [])
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        table.fault("it is no list of tables", key="suggestions", allowed="[[briefing.suggestions]]")
        raw = []
    return BriefingPlan(
        suggestions=tuple(_suggestion(table, place, item) for place, item in enumerate(raw, start=1)),
        references=table.texts("references") or (),
    )


def _suggestion(table: TomlTable, place: int, item: Mapping[str, object]) -> Suggestion:
    one = TomlTable(f"{table.where}: suggestions {place}", dict(item), table.faults)
    one.refuse_unknown(("text", "source", "claims"))
    return Suggestion(
        text=one.text("text", None), source=one.text("source", None), claims=one.texts("claims") or ()
    )


def claims_named(suggestions: Sequence[Suggestion]) -> tuple[str, ...]:
    """Return the ids of all claims that suggestions rest on, each once.

    Examples
    --------
    >>> claims_named([Suggestion(text="a", source="b", claims=("C1", "C2"))])
    ('C1', 'C2')
    """
    return tuple(dict.fromkeys(claim for one in suggestions for claim in one.claims))


def refuse_unknown_claims(where: str, suggestions: Sequence[Suggestion], claims: Sequence[str]) -> None:
    """Refuse suggestions that rest on a claim which isn't put to the analysis.

    Parameters
    ----------
    where
        The analysis file's name.
    suggestions
        The suggestions.
    claims
        The ids of the claims.

    Raises
    ------
    ConfigError
        With all of them.
    """
    faults = [
        Fault(
            where=f"{where}: briefing.suggestions",
            found=f"there is no claim {name!r}",
            allowed=listed(claims, 20),
            remedy=did_you_mean(name, claims),
        )
        for name in claims_named(suggestions)
        if name not in claims
    ]
    if faults:
        raise ConfigError(*faults)
