"""What is planted in a drawn survey: the declared truth, as a record and as a file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from coprodstats.errors import ArgumentError, ConfigError, Fault, did_you_mean, listed
from coprodstats.survey.display import record_html


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What shifts one latent propensity, in SDs of its residual.

    Attributes
    ----------
    age
        Per SD of age (16 years).
    woman
        Women against everyone else.
    efficacy
        Per SD of the latent belief that ordinary citizens can make a difference.
    outcome
        Per SD of the latent rating of how safe, clean and healthy life is.
    performance
        Per SD of the latent rating of the job that government does.
    information
        Per SD of the latent rating of government information.
    consultation
        Per SD of the latent rating of government consultation.
    education
        Per step, from low to middle to high.
    unemployed
        Against people in work.
    retired
        Against people in work.
    inactive
        Other inactive people against people in work.
    urban
        Urban against rural municipalities.
    """

    age: float = 0.0
    woman: float = 0.0
    efficacy: float = 0.0
    outcome: float = 0.0
    performance: float = 0.0
    information: float = 0.0
    consultation: float = 0.0
    education: float = 0.0
    unemployed: float = 0.0
    retired: float = 0.0
    inactive: float = 0.0
    urban: float = 0.0


_CLAIMS = ("C1", "C2", "C3", "C4", "C5", "C6", "C7a", "C7b", "C8", "C9", "C10", "C11", "C12")
_INDIVIDUAL = Effects(
    age=0.28, woman=0.22, efficacy=0.12, outcome=-0.14, information=0.14, consultation=0.14, education=0.04
)
_COLLECTIVE = Effects(
    age=-0.14, efficacy=0.30, outcome=-0.14, information=0.14, consultation=0.14, education=0.04
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The declared truth from which `simulate` draws; the default is the planted truth that ships.

    Attributes
    ----------
    name
        What the truth is called.
    individual
        Effects on the propensity to co-produce individually.
    collective
        Effects on the propensity to co-produce collectively.
    efficacy_by_country
        Added to ``collective.efficacy`` in CZ, DK, FR, DE, UK.
    country_individual
        Intercepts of the individual propensity in CZ, DK, FR, DE, UK.
    country_collective
        Intercepts of the collective propensity in CZ, DK, FR, DE, UK.
    age_by_sector
        Added to ``individual.age`` in the items on safety, environment and health.
    residual_correlation
        Correlation of the two propensities given all the rest, within and between PSUs.
    icc
        Share of each propensity's residual variance that lies between PSUs.
    covariate_icc
        The same share for age, efficacy and the ratings (before rounding to answers).
    item_missing
        Mean share of don't know and refused, completely at random, over the activity items.
    rating_missing
        The same share for each rating.
    not_applicable
        Share of "not applicable" in the item on caring for others' health.
    efficacy_dont_know
        Share of don't know in each efficacy item at the mean age.
    efficacy_dont_know_age
        Change of that share's log odds per SD of age (missing at random given age).
    gender_other
        Share answering "other"; it shifts no propensity.
    gender_declined
        Share declining to state a gender.
    claims
        By claim id, the verdict that a survey of 5,000 should give: ``"agrees"`` or
        ``"must not agree"``; claims not named are left open.

    Raises
    ------
    ArgumentError
        If a share or correlation is impossible or a tuple has the wrong length; all faults at once.

    Examples
    --------
    >>> Truth().collective.efficacy
    0.3
    """

    name: str = "planted"
    individual: Effects = _INDIVIDUAL
    collective: Effects = _COLLECTIVE
    efficacy_by_country: tuple[float, ...] = (-0.20, 0.18, 0.0, -0.14, 0.16)
    country_individual: tuple[float, ...] = (-0.10, 0.05, 0.0, -0.02, 0.07)
    country_collective: tuple[float, ...] = (0.04, -0.08, -0.05, -0.03, 0.12)
    age_by_sector: tuple[float, ...] = (0.0, -0.12, 0.12)
    residual_correlation: float = 0.35
    icc: float = 0.09
    covariate_icc: float = 0.12
    item_missing: float = 0.04
    rating_missing: float = 0.04
    not_applicable: float = 0.10
    efficacy_dont_know: float = 0.04
    efficacy_dont_know_age: float = 0.6
    gender_other: float = 0.008
    gender_declined: float = 0.008
    claims: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(_CLAIMS, "agrees"))

    def __post_init__(self) -> None:
        faults = [*_length_faults(self), *_share_faults(self)]
        if faults:
            raise ArgumentError(*faults)

    def to_toml(self) -> str:
        """Return the truth as TOML text that `read_truth` reads back.

        Examples
        --------
        >>> print(Truth().to_toml().splitlines()[0])
        name = "planted"
        """
        plain = [f.name for f in fields(self) if f.name not in {"individual", "collective", "claims"}]
        lines = [f"{name} = {_toml_value(getattr(self, name))}" for name in plain]
        for name in ("individual", "collective"):
            effects = getattr(self, name)
            lines += ["", f"[{name}]"]
            lines += [f"{f.name} = {getattr(effects, f.name)!r}" for f in fields(effects)]
        lines += [
            "",
            "[claims]",
            *(f"{claim} = {_toml_value(verdict)}" for claim, verdict in self.claims.items()),
        ]
        return "\n".join(lines) + "\n"

    def _repr_html_(self) -> str:
        return record_html(self)


_LENGTHS = {"efficacy_by_country": 5, "country_individual": 5, "country_collective": 5, "age_by_sector": 3}
_SHARES = (
    "icc", "covariate_icc", "item_missing", "rating_missing", "not_applicable",
    "efficacy_dont_know", "gender_other", "gender_declined",
)  # fmt: skip


def _length_faults(truth: Truth) -> Iterator[Fault]:
    for name, length in _LENGTHS.items():
        found = len(getattr(truth, name))
        if found != length:
            yield Fault(where=f"Truth.{name}", found=f"{found} numbers", allowed=f"{length} numbers")


def _share_faults(truth: Truth) -> Iterator[Fault]:
    for name in _SHARES:
        if not 0 <= getattr(truth, name) <= 0.5:
            yield Fault(where=f"Truth.{name}", found=f"{getattr(truth, name)}", allowed="0 to 0.5")
    if not -1 < truth.residual_correlation < 1:
        found = f"{truth.residual_correlation}"
        yield Fault(where="Truth.residual_correlation", found=found, allowed="between -1 and 1")


def _toml_value(value: object) -> str:
    # JSON's numbers, strings and lists of them are TOML too.
    return json.dumps(value, ensure_ascii=False)


def read_truth(path: str | Path) -> Truth:
    """Read a declared truth; every key must be given, so that a file says all that was planted.

    Parameters
    ----------
    path
        A TOML file with the attributes of `Truth`; ``individual``, ``collective`` and ``claims``
        are tables.

    Returns
    -------
    The truth.

    Raises
    ------
    ConfigError
        If the file can't be read or its keys are not those of `Truth`; all faults at once.
    """
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        fault = Fault(where=path.name, found=f"not readable as TOML ({type(error).__name__})")
        raise ConfigError(fault) from error
    faults = [*_key_faults(path.name, raw, Truth)]
    for name in ("individual", "collective"):
        table = raw.get(name, {})
        faults += _key_faults(f"{path.name}: {name}", table, Effects) if isinstance(table, dict) else []
    if faults:
        raise ConfigError(*faults)
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()
    }
    values |= {name: Effects(**raw[name]) for name in ("individual", "collective")}
    return Truth(**values)


def _key_faults(where: str, raw: Mapping[str, Any], record: type[Truth] | type[Effects]) -> Iterator[Fault]:
    known = [f.name for f in fields(record)]
    kinds = {f.name: f.default if f.default is not MISSING else {} for f in fields(record)}
    for key, value in raw.items():
        if key not in known:
            yield Fault(where=where, found=f"unknown key {key!r}", remedy=did_you_mean(key, known))
        elif not _fits(value, kinds[key]):
            yield Fault(where=f"{where}: {key}", found=f"{type(value).__name__} of the wrong kind")
    absent = [name for name in known if name not in raw]
    if absent:
        yield Fault(where=where, found=f"keys are missing: {listed(absent)}")


def _fits(value: object, default: object) -> bool:
    if isinstance(default, (dict, Effects)):
        return isinstance(value, dict)
    if isinstance(default, tuple):
        return isinstance(value, list) and all(_fits(one, 0.0) for one in value)
    if isinstance(default, str):
        return isinstance(value, str)
    return isinstance(value, (int, float)) and not isinstance(value, bool)
