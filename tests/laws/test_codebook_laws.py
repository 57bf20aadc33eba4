"""Laws of codebooks: a codebook that is written in another form is read back the same, order included."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coprodstats.survey.cleaning_rules import (
    CleaningRules,
    ItemNonresponse,
    SameAnswers,
    Speeders,
    StraightLining,
)
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.codebook_table import codebook_csv
from coprodstats.survey.codebook_toml import codebook_toml
from coprodstats.survey.conversions import Conversion
from coprodstats.survey.declarations import Codebook, Index, Items, Outcome, Variable, count_labels
from coprodstats.survey.file_format import FileFormat
from coprodstats.survey.harmonise import FileMap, Harmonise

# Letters of several scripts, and every sign that means something to TOML, CSV, JSON or a spreadsheet.
SIGNS = "aZéßЖ中١ 01,;:.=+-?@%#\"'\\/|[]{}()<>&*_~"
WORDS = st.text(SIGNS, min_size=1, max_size=12).map(lambda text: text.strip(" ?") or "x")
TRICKY = st.sampled_from(["=1+1", "1,5", "0017", "1e3", "NA", "true", "-1", ".a", "1.0", "None"])
TEXTS = WORDS | TRICKY
NUMBERS = st.integers(-(10**6), 10**6).map(float) | st.floats(-1e9, 1e9, allow_nan=False).map(
    lambda x: x + 0.0
)


def several(n: int, least: int = 0) -> st.SearchStrategy[list[str]]:
    """Return texts that stay different when capitals are folded."""
    return st.lists(TEXTS, min_size=least, max_size=n, unique_by=lambda text: text.casefold())


@st.composite
def tables(draw: st.DrawFn, n: int, least: int, *, but: Mapping[str, str] = {}) -> dict[str, str]:
    codes = [code for code in draw(several(n, least)) if code not in but]
    return dict(zip(codes, draw(several(n, n)), strict=False))


@st.composite
def variables(draw: st.DrawFn, name: str) -> Variable:
    kind = draw(st.sampled_from(["nominal", "ordinal", "numeric"]))
    values = draw(tables(5, 3)) if kind != "numeric" else {}
    missing = draw(tables(3, 0, but=values))
    said: dict[str, Any] = {
        "column": draw(st.just("") | TEXTS.map(lambda text: f"{text} {name}")),
        "question": draw(st.just("") | TEXTS),
    }
    if kind == "numeric":
        low, step = draw(NUMBERS), draw(st.floats(0.25, 1e6))
        # A number that is missing must lie outside the range: there is none here.
        missing = {code: why for code, why in missing.items() if not any(c.isnumeric() for c in code)}
        said |= {
            "range": draw(st.none() | st.just((low, low + abs(low) + step))),
            "unit": draw(st.just("") | TEXTS),
            "step": step,
            "step_label": draw(st.just("") | TEXTS),
            "not_a_number": draw(st.sampled_from(["error", "missing"])),
        }
        if said["range"]:
            said |= {
                "reverse": draw(st.booleans()),
                "out_of_range": draw(st.sampled_from(["error", "missing"])),
            }
    else:
        said["undeclared"] = draw(st.sampled_from(["error", "missing"]))
        said["recode"] = {f"{code}x": code for code in draw(st.sets(st.sampled_from(list(values))))}
    if kind == "ordinal":
        said["reverse"] = draw(st.booleans())
        if draw(st.booleans()):
            said["collapse"] = {"merged %": tuple(values.values())[1:]}
        n = 2 if "collapse" in said else len(values)
        said["scores"] = draw(st.none() | st.just(tuple(float(i * i) for i in range(n))))
    return Variable(
        name=name, label=f"{draw(TEXTS)} {name}", kind=kind, values=values, missing=missing, **said
    )


@st.composite
def codebooks(draw: st.DrawFn) -> Codebook:
    asked = [draw(variables(name)) for name in ("a", "b", "c")]
    yes = {"1": "never", "2": "sometimes", "3": "often"}
    items = [Variable(name=name, label=name, kind="ordinal", values=yes) for name in ("i1", "i2", "i3", "i4")]
    routed = replace(items[3], asked_if={"i1": ("2", "3")})
    country = Variable(
        name="country", label="Country", kind="nominal", values={"DK": "Denmark", "FR": "France"}
    )
    born = Variable(name="born", label="Born", kind="numeric")
    minutes = Variable(name="minutes", label="Minutes", kind="numeric")
    drawn = [
        Variable(name="person", label=draw(st.sampled_from(["person", "The person"])), kind="id"),
        Variable(name="w", label="w", kind="weight", missing=draw(tables(2, 0))),
        Variable(name="region", label="region", kind="stratum", recode={"9": "8"}),
        Variable(name="town", label="town", kind="psu"),
    ]
    everything = [*drawn, *asked, *items[:3], routed, country, born, minutes]
    roles = {"alone": ("i1", "i2"), "together": ("i3", "i4")}
    some = Items(role="", names=("i1", "i2", "i3"), min_answered=2)
    role = Items(role="alone", names=roles["alone"], min_share=0.5)
    parts: dict[str, Any] = {
        "conversions": {
            "age": Conversion(
                name="age",
                label="Age",
                of="born",
                survey_year=draw(st.sampled_from([2008, "minutes"])),
                range=(18.0, 99.5),
                out_of_range=draw(st.sampled_from(["error", "missing"])),
                step=draw(st.sampled_from([1.0, 2.5])),
            )
        },
        "mappings": {"main": roles, "other": {**roles, "alone": ("i2", "i4")}},
        "mapping": "main",
        "indices": {
            "mean": Index(name="mean", label="Mean", items=draw(st.sampled_from([some, role])), step=10.0),
        },
        "outcomes": {
            "any": Outcome(
                name="any", label="Any", kind="any", labels=("no", "yes"), items=role, at_least="often"
            ),
            "n": Outcome(
                name="n",
                label="N",
                kind="count",
                labels=count_labels(3, 2),
                items=some,
                at_least="sometimes",
                at_most=2,
            ),
            "bands": Outcome(
                name="bands",
                label="Bands",
                kind="bands",
                labels=("x", draw(WORDS) + "y"),
                of="mean",
                cuts=(50.5,),
            ),
        },
        "cleaning": CleaningRules(
            duplicate_ids=draw(st.sampled_from(["error", "keep first", "drop all"])),
            missing_design=draw(st.sampled_from(["error", "drop"])),
            ignore_columns=tuple(f" {one}" for one in draw(several(3))),
            same_answers=draw(st.none() | st.just(SameAnswers(action="flag", variables=("a", "b")))),
            speeders=draw(
                st.none()
                | st.just(Speeders(duration="minutes", action="exclude", least=4.5))
                | st.just(Speeders(duration="minutes", action="flag", share_of_median=0.4))
            ),
            straight_lining=draw(
                st.just({})
                | st.just({"all": StraightLining(items=("i1", "i2", "i3"), action="flag", min_items=3)})
            ),
            item_nonresponse=draw(
                st.none()
                | st.just(
                    ItemNonresponse(items=("i4",), action="flag", max_share=0.5, not_counted=("not asked",))
                )
            ),
        ),
        "sampling": {"nested": draw(st.booleans()), "lonely_psu": "adjust"},
        "file": draw(
            st.sampled_from([FileFormat(), FileFormat(delimiter="\t", decimal=",", encoding="cp1252")])
        ),
        "harmonise": draw(
            st.none()
            | st.just(
                Harmonise(
                    source="country",
                    shared=("person",),
                    files={
                        "DK": FileMap(),
                        "FR": FileMap(
                            columns={"born": "né en"}, codes={"i1": {"oui, souvent": "3"}}, leave_out=("x.y",)
                        ),
                    },
                )
            )
        ),
    }
    chosen = {key: value for key, value in parts.items() if draw(st.booleans()) or key in {"mapping"}}
    if not {"mappings", "indices", "outcomes"} <= set(chosen):
        for key in ("mappings", "mapping", "indices", "outcomes"):
            chosen.pop(key, None)
    return Codebook(
        title=draw(TEXTS),
        synthetic=draw(st.booleans()),
        variables={one.name: one for one in everything},
        **chosen,
    )


def read(name: str, content: str | bytes) -> Codebook:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return read_codebook(path)


def orders(value: Any) -> Any:
    """Return tables as lists of pairs: two tables are equal in any order, two codebooks are not."""
    if isinstance(value, Mapping):
        return [(key, orders(one)) for key, one in value.items()]
    if hasattr(value, "__dataclass_fields__"):
        return [(key, orders(getattr(value, key))) for key in value.__dataclass_fields__]
    return value


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(codebook=codebooks())
def test_a_codebook_written_as_toml_is_the_same(codebook: Codebook) -> None:
    text = codebook_toml(codebook)
    again = read("codebook.toml", text)
    assert orders(replace(again, sha256="", source="codebook")) == orders(codebook)
    assert codebook_toml(again) == text


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(codebook=codebooks())
def test_the_variables_written_as_a_table_are_the_same(codebook: Codebook) -> None:
    again = read("codebook.csv", codebook_csv(codebook)).variables
    assert orders(again) == orders(codebook.variables)
