"""Model formulas: formulaic's grammar behind an allow-list, so that no formula can run code."""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any

from coprodstats.errors import Fault, FormulaError, did_you_mean, listed

MAX_LENGTH = 5_000
MAX_DEPTH = 12
MAX_POWER = 5
MAX_FLEXIBILITY = 50
# Products and powers multiply: a*b*c*… of 25 names has 33 million terms.
MAX_TERMS = 300

FUNCTIONS = ("C", "center", "scale", "log", "exp", "sqrt", "poly", "bs", "cr", "I")
_ONE_COLUMN = ("center", "scale", "log", "exp", "sqrt")
_FLEXIBLE = {"poly": ("degree",), "bs": ("df", "degree"), "cr": ("df",)}
_CHARACTERS = re.compile(r"[\w\s~+:*()^,.=\"']*", flags=re.UNICODE)
_SAID = "names, + : * ( ) ^ and the functions " + listed(FUNCTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFormula:
    """A formula that has passed the allow-list.

    Attributes
    ----------
    text
        The formula as given, white space normalised.
    outcome
        The column left of the tilde.
    predictors
        The columns right of it, in order of first mention, main effects first.
    factors
        Those that ``C(...)`` declares categorical, whatever their type.
    terms
        Formulaic's formula of the right-hand side.
    """

    text: str
    outcome: str
    predictors: tuple[str, ...]
    factors: tuple[str, ...]
    terms: Any


def parse_formula(text: str, columns: tuple[str, ...]) -> ParsedFormula:
    """Parse ``outcome ~ terms`` and refuse whatever is not on the allow-list.

    Parameters
    ----------
    text
        The formula.
    columns
        The data's columns.

    Raises
    ------
    FormulaError
        If the text is not a formula, names no column of the data, or holds anything that is not allowed.

    Examples
    --------
    >>> parse_formula("vote ~ age * C(region)", ("vote", "age", "region")).predictors
    ('age', 'region')
    """
    if not isinstance(text, str):
        raise FormulaError(Fault(where="formula", found="it is not text", allowed="'outcome ~ age + gender'"))
    read = _read(text)
    where, left, predictors = _where(read.text), read.left, read.predictors
    faults = list(read.faults)
    if not left.isidentifier():
        found = "the left-hand side is not the name of one column"
        raise FormulaError(*faults, Fault(where=where, found=found, allowed="a name"))
    faults += [
        Fault(
            where=where,
            found=f"the data have no column {name!r}",
            remedy=did_you_mean(name, columns) or f"the columns are {listed(columns)}",
        )
        for name in (left, *predictors)
        if name not in columns
    ]
    if left in predictors:
        faults.append(Fault(where=where, found=f"the outcome {left!r} is also a predictor"))
    faults += [
        Fault(
            where=where,
            found=f"column {name!r} has the name of a function that the formula uses",
            remedy="rename the column",
        )
        for name in predictors
        if name in read.called
    ]
    if faults:
        raise FormulaError(*faults)
    return ParsedFormula(
        text=read.text, outcome=left, predictors=predictors, factors=read.factors, terms=read.terms
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What a formula says, whatever the data; the functions that it calls, and what is wrong with it."""

    text: str
    left: str
    predictors: tuple[str, ...]
    factors: tuple[str, ...]
    called: tuple[str, ...]
    terms: Any
    faults: tuple[Fault, ...]


@lru_cache(maxsize=256)
def _read(text: str) -> _Read:
    """Return what a formula says: for the same text the same object, which nobody changes."""
    clean = _screen(text)
    left, right = (side.strip() for side in clean.split("~", 1))  # a label may hold another
    _refuse_explosion(clean, right)
    terms = _terms(clean, right)
    predictors, faults = _walk(clean, terms)
    without_labels = _without_labels(right)
    return _Read(
        text=clean,
        left=left,
        predictors=tuple(predictors),
        factors=tuple(dict.fromkeys(re.findall(r"\bC\(\s*(\w+)", without_labels))),
        called=tuple(re.findall(r"(\w+)\s*\(", without_labels)),
        terms=terms,
        faults=tuple(faults),
    )


def _where(text: str) -> str:
    return f"formula '{text[:80]}{'…' if len(text) > 80 else ''}'"


def _screen(text: str) -> str:
    """Refuse by characters, length and nesting, before any parser sees the text."""
    clean = " ".join(text.split())
    where = _where(clean)
    faults = []
    if len(clean) > MAX_LENGTH:
        raise FormulaError(Fault(where=where, found=f"it is longer than {MAX_LENGTH} characters"))
    without_labels = _without_labels(clean)
    if not _CHARACTERS.fullmatch(without_labels) or "__" in clean:
        faults.append(Fault(where=where, found="it holds characters that formulas don't need", allowed=_SAID))
    elif unicodedata.normalize("NFKC", without_labels) != without_labels:
        # Python reads such names in their plain form, so that they would miss the column that is meant.
        found = "it holds characters that only look like plain ones (full-width letters, ligatures)"
        faults.append(Fault(where=where, found=found, remedy="plain letters, also in the column's name"))
    words = re.findall(r"\w+", without_labels.rpartition("~")[2])
    faults += [
        Fault(where=where, found=f"{word!r} is a word of the Python language", remedy="rename the column")
        for word in dict.fromkeys(words)
        if keyword.iskeyword(word)
    ]
    if without_labels.count("~") != 1:
        faults.append(Fault(where=where, found="it needs one '~'", allowed="'outcome ~ age + gender'"))
    if _depth(without_labels) > MAX_DEPTH:
        faults.append(Fault(where=where, found="its brackets don't match or nest too deep"))
    powers = [int(k) for k in re.findall(r"(?:\*\*|\^)\s*(\d{1,9})", without_labels)]
    if any(k > MAX_POWER for k in powers):
        faults.append(Fault(where=where, found=f"a power is above {MAX_POWER}"))
    bare = re.search(r"(\w+)\s*(?:\*\*|\^)\s*\d", re.sub(r"\bI\([^()]*\)", "", without_labels))
    if bare:
        name = bare.group(1)
        faults.append(
            Fault(
                where=where,
                found=f"{name}^2 means {name} itself in a formula",
                remedy=f"I({name}**2) for the square",
            )
        )
    if faults:
        raise FormulaError(*faults)
    return clean


def _without_labels(text: str) -> str:
    return re.sub(r"\"[^\"]*\"|'[^']*'", '""', text)


def _refuse_explosion(text: str, right: str) -> None:
    """Refuse formulas that expand to very many terms, before they are expanded."""
    arithmetic = _without_labels(right).replace(":", "@").replace("^", "**")
    try:
        count = _term_count(ast.parse(arithmetic, mode="eval").body) if right else 0
    except (SyntaxError, ValueError):
        return  # the parser of formulas says what is wrong
    except (RecursionError, MemoryError):
        count = MAX_TERMS + 1
    if count > MAX_TERMS:
        raise FormulaError(Fault(where=_where(text), found=f"it expands to more than {MAX_TERMS} terms"))


def _term_count(node: ast.expr) -> int:
    """Return an upper bound on the terms that an expression expands to, cut above `MAX_TERMS`."""
    match node:
        case ast.BinOp(left=left, op=operator, right=right):
            first, second = _term_count(left), _term_count(right)
        case _:
            return 1
    match operator, right:
        case ast.Add(), _:
            count = first + second
        case ast.Mult(), _:
            count = first + second + first * second
        case ast.MatMult(), _:
            count = first * second
        case ast.Pow(), ast.Constant(value=int(power)) if power <= MAX_POWER:
            count = sum(comb(first, k) for k in range(1, power + 1))
        case _:
            count = MAX_TERMS + 1
    return min(count, MAX_TERMS + 1)


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        deepest = max(deepest, depth)
        if depth < 0:
            return MAX_DEPTH + 1
    return deepest if depth == 0 else MAX_DEPTH + 1


def _terms(text: str, right: str) -> Any:
    """Return formulaic's terms."""
    from formulaic import Formula  # noqa: PLC0415  (half a second that importing the package must not cost)
    from formulaic.errors import FormulaParsingError, FormulaSyntaxError  # noqa: PLC0415

    try:
        return Formula(right)
    except (FormulaParsingError, FormulaSyntaxError, SyntaxError, ValueError, RecursionError) as error:
        raise FormulaError(
            Fault(where=_where(text), found="the right-hand side can't be read", allowed=_SAID)
        ) from error


def _walk(text: str, terms: Any) -> tuple[list[str], list[Fault]]:
    names: dict[str, None] = {}
    faults: list[Fault] = []
    has_intercept = False
    for term in terms:
        for factor in term.factors:
            if factor.expr == "1":
                has_intercept = True
            else:
                found, problems = _factor(text, factor.expr)
                names.update(dict.fromkeys(found))
                faults += problems
    if not has_intercept:
        faults.append(
            Fault(where=_where(text), found="the intercept was taken out", allowed="models with an intercept")
        )
    if not names and not faults:
        faults.append(Fault(where=_where(text), found="it has no predictor", allowed="at least one"))
    return list(names), faults


def _factor(text: str, expression: str) -> tuple[list[str], list[Fault]]:
    try:
        node = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [], [Fault(where=_where(text), found=f"{expression[:40]!r} is not allowed", allowed=_SAID)]
    found = _names_of(node)
    if found is None:
        form = 'C(name) or C(name, Treatment("level"))' if expression.startswith("C(") else _SAID
        return [], [Fault(where=_where(text), found=f"{expression[:40]!r} is not allowed", allowed=form)]
    return found, []


@lru_cache(maxsize=1024)
def plain_column(expression: str) -> str | None:
    """Return the column of ``column`` or ``C(column)``, or None for any other factor."""
    match ast.parse(expression, mode="eval").body:
        case ast.Name(id=name) | ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=name)]):
            return name
        case _:
            return None


@lru_cache(maxsize=1024)
def named_reference(expression: str) -> tuple[str, Any] | None:
    """Return column and level of ``C(column, Treatment(level))``, or None for any other factor."""
    match ast.parse(expression, mode="eval").body:
        case ast.Call(
            func=ast.Name(id="C"), args=[ast.Name(id=name), ast.Call(args=[ast.Constant(value=level)])]
        ):
            return name, level
        case _:
            return None


def polynomial_degree(expression: str, name: str) -> int:
    """Return the degree in one column of a factor such as ``I(x**2 * z)``."""

    def degree(node: ast.expr) -> int:
        match node:
            case ast.Name(id=found):
                return int(found == name)
            case ast.Call(args=[inner, *_]):
                return degree(inner)
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))):
                return power * degree(left)
            case ast.BinOp(left=left, right=right):
                return degree(left) + degree(right)
            case _:
                return 0

    return degree(ast.parse(expression, mode="eval").body)


def _names_of(node: ast.expr) -> list[str] | None:  # noqa: PLR0911  (one return per allowed form)
    """Return the columns that an allowed factor uses, or None if it is not allowed."""
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.Call(func=ast.Name(id="I"), args=[inner], keywords=[]):
            return _product(inner)
        case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=name)], keywords=[]):
            return [name]
        case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=name), contrast], keywords=[]):
            return [name] if _is_treatment(contrast) else None
        case ast.Call(func=ast.Name(id=function), args=[ast.Name(id=name)], keywords=[]) if (
            function in _ONE_COLUMN
        ):
            return [name]
        case ast.Call(func=ast.Name(id=function), args=[ast.Name(id=name), *rest], keywords=keywords) if (
            function in _FLEXIBLE
        ):
            named = {k.arg: k.value for k in keywords if k.arg in _FLEXIBLE[function]}
            fine = len(named) == len(keywords) and len(rest) <= (1 if function == "poly" and not named else 0)
            return [name] if fine and all(map(_small_integer, [*rest, *named.values()])) else None
        case _:
            return None


def _product(node: ast.expr) -> list[str] | None:
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            sides = (_product(left), _product(right))
            return None if None in sides else [*sides[0], *sides[1]]  # type: ignore[misc]
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))) if (
            1 <= power <= MAX_POWER
        ):
            return _product(left)
        case _:
            return None


def _is_treatment(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="Treatment"), args=[ast.Constant()], keywords=[]):
            return True
        case _:
            return False


def _small_integer(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=int(number)) if (
            not isinstance(number, bool) and 1 <= number <= MAX_FLEXIBILITY
        ):
            return True
        case _:
            return False
