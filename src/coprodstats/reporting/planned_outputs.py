"""What an analysis is written as: formats, languages, the look, and the files that these take."""

from __future__ import annotations

from pathlib import Path

from coprodstats.errors import ConfigError, did_you_mean, listed
from coprodstats.reporting.formats import format_faults
from coprodstats.reporting.language import LANGUAGES
from coprodstats.reporting.theme import DEFAULT_THEME, Theme, read_theme
from coprodstats.survey.toml_table import TomlTable


def beside(top: TomlTable, file: Path, key: str, default: str | None = None) -> Path:
    """Return a path that a key names from the file's own folder; another kind of path is a fault."""
    text = top.text(key, default)
    if "://" in text or text.startswith(("/", "\\")):
        top.fault(
            "it is no path relative to this file", key=key, allowed="a relative path, such as 'data.csv'"
        )
    return file.parent / text


def read_formats(top: TomlTable) -> tuple[str, ...]:
    """Return the formats of an analysis file."""
    if "formats" not in top:
        return ("html",)
    names = top.texts("formats") or ()
    top.faults += format_faults(f"{top.where}: formats", names)
    return names


def read_languages(top: TomlTable) -> tuple[str, ...]:
    """Return the languages of an analysis file; the first is that of its own words."""
    codes = top.texts("languages") if "languages" in top else ("en",)
    for code in codes or ():
        if code not in LANGUAGES:
            near = did_you_mean(code, list(LANGUAGES))
            top.fault(
                f"{code!r} is no language that reports are written in",
                key="languages",
                allowed=listed(list(LANGUAGES)),
                remedy=near,
            )
    if not codes:
        top.fault("there is none", key="languages", allowed='languages = ["en"], or several')
    return tuple(code for code in codes or () if code in LANGUAGES) or ("en",)


def read_translation_files(top: TomlTable, file: Path, languages: tuple[str, ...]) -> dict[str, Path]:
    """Return the file of the analysis' own words in each further language."""
    table = top.table("translations")
    found = {}
    for code in table.content:
        path = there(table, file, code, 'a TOML file of texts, "this" = "that"')
        if path is not None:
            found[code] = path
        if code not in languages[1:]:
            table.fault(
                f"nothing is translated into {code!r}",
                key=code,
                allowed=f"the languages after the first: {listed(list(languages[1:])) or 'there is none'}",
                remedy=did_you_mean(code, languages[1:]),
            )
    for code in languages[1:]:
        if code not in table:
            remedy = f'[translations] {code} = "words.{code}.toml"'
            top.fault(
                f"the analysis' own words are not translated into {code!r}", key="translations", remedy=remedy
            )
    return found


def read_plan_theme(top: TomlTable, path: Path | None) -> Theme:
    """Return the theme of a file, whose faults become those of the analysis file."""
    if path is None or not path.is_file():
        return DEFAULT_THEME
    try:
        return read_theme(path)
    except ConfigError as error:
        top.faults += error.faults
        return DEFAULT_THEME


def there(top: TomlTable, file: Path, key: str, allowed: str) -> Path | None:
    """Return the file that a key names, or None without the key."""
    if key not in top:
        return None
    path = beside(top, file, key)
    if isinstance(top.content[key], str) and not path.is_file():
        top.fault("there is no such file", key=key, allowed=allowed)
    return path


def read_docx_template(top: TomlTable, file: Path) -> Path | None:
    """Return the Word file that gives the Word report its look, or None."""
    path = there(top, file, "docx_template", "a .docx or .dotx file")
    if path is None:
        return None
    if "docx" not in read_formats(TomlTable(top.where, top.content)):
        top.fault("no Word report is written", key="docx_template", remedy='formats = ["html", "docx"]')
    return path
