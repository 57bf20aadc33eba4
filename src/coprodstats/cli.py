"""The command line: draft, check and run an analysis, verify or reproduce its output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coprodstats import __version__
from coprodstats.errors import CoprodstatsError

if TYPE_CHECKING:
    from coprodstats.survey.log import CleaningLog


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coprodstats")
def main() -> None:
    """From a survey file to a report on individual and collective co-production."""


@main.command()
@click.argument("analysis", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Output folder; by default the file's own.")
def run(analysis: Path, out: Path | None) -> None:
    """Run ANALYSIS.toml and write its report."""
    from coprodstats.reporting.analysis import run_analysis  # noqa: PLC0415  (keeps --help fast)

    with _told(), _progress(f"coprodstats {analysis.name}") as say:
        result = run_analysis(analysis, out=out, progress=say)
    _warn(result.warnings)
    folder = _shown(result.folder)
    click.echo(f"{len(result.files)} files in {folder}; open {folder / 'report.html'}")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def verify(folder: Path) -> None:
    """Check that FOLDER holds what its manifest says, byte for byte."""
    from coprodstats.reporting.manifest import verify as verify_folder  # noqa: PLC0415

    with _told():
        found = verify_folder(folder)
    click.echo(f"{found.n_files} files as recorded (coprodstats {found.package_version})")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("analysis", type=click.Path(path_type=Path), required=False)
def reproduce(folder: Path, analysis: Path | None) -> None:
    """Run the analysis behind FOLDER again and compare; nothing is written.

    Without ANALYSIS.toml the file is looked for below the working directory, by the hash in the manifest.
    """
    from coprodstats.reporting.analysis import reproduce as reproduce_folder  # noqa: PLC0415

    with _told(), _progress(f"coprodstats {folder.name}") as say:
        names = reproduce_folder(folder, analysis, progress=say)
    click.echo(f"{len(names)} files came out the same")


@main.command()
@click.argument("datafile", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the drafts; by default the file's.")
@click.option("--labels", type=click.Path(path_type=Path), help="A DDI or Triple-S page that describes it.")
def init(datafile: Path, out: Path | None, labels: Path | None) -> None:
    """Draft codebook.toml and analysis.toml for DATAFILE; what the file leaves open they ask.

    Nothing is overwritten.
    """
    from coprodstats.reporting.draft import draft_summary, write_draft  # noqa: PLC0415

    with _told(), _progress(f"coprodstats {datafile.name}"):
        drafted = write_draft(datafile, out, labels=labels)
    click.echo(draft_summary(drafted, datafile, _shown(drafted.files[0].parent)))


@main.command()
@click.argument("datafile", type=click.Path(path_type=Path))
@click.argument("codebook", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "csv"]),
    default="text",
    help="csv: all faults and notes as a table.",
)
def check(datafile: Path, codebook: Path, form: str) -> None:
    """Read and clean DATAFILE by CODEBOOK, and say what is wrong or worth a look; nothing is written.

    All faults are told at once. Without any, what each rule of cleaning touches is told too, also nothing.
    """
    from coprodstats.reporting.writing import frame_to_csv  # noqa: PLC0415
    from coprodstats.survey.checks import check_survey  # noqa: PLC0415

    checked = check_survey(datafile, codebook)
    if form == "csv":
        click.echo(frame_to_csv(checked.to_frame()).decode("utf-8"), nl=False)
        sys.exit(checked.error.exit_status if checked.error else 0)
    with _told():
        if checked.cleaned is not None:
            _tell_log(checked.cleaned.log)
        for note in checked.notes():
            click.echo(f"    note  {note.where}: {note.found}")
        _warn(f"{warning.code} {warning.found}".strip() for warning in checked.warnings())
        if checked.error is not None:
            raise checked.error


@main.group(name="codebook")
def codebook_commands() -> None:
    """Turn a codebook into other forms."""


@codebook_commands.command()
@click.argument("codebook", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "form",
    type=click.Choice(["csv", "xlsx", "toml", "ddi", "md", "html"]),
    required=True,
    help="Form.",
)
@click.option("--data", type=click.Path(path_type=Path), help="Survey file, for counts (ddi, md, html).")
@click.option("--out", type=click.Path(path_type=Path), help="File to write; by default it is printed.")
def export(codebook: Path, form: str, data: Path | None, out: Path | None) -> None:
    """Write CODEBOOK as a table, a workbook, TOML, DDI-Codebook XML, Markdown or HTML.

    Tables and workbooks hold the variables alone. Nothing is overwritten. Counts below 10 are never shown.
    """
    from coprodstats.reporting import codebook_export as exports  # noqa: PLC0415

    workbook = form == exports.WORKBOOK
    if workbook and (out is None or data is not None):
        message = "a workbook holds no counts" if data is not None else "a workbook needs --out FILE.xlsx"
        raise click.UsageError(message)
    with _told():
        content = (
            exports.export_workbook(codebook) if workbook else exports.export_codebook(codebook, form, data)
        )
        if out is None:
            click.echo(content, nl=False)
        else:
            exports.write_new(out, content)
            click.echo(f"wrote {_shown(out)}")
        if beside := exports.left_out(codebook, form):
            told = f"left out: {', '.join(beside)}; keep them in a TOML codebook that extends this one"
            click.echo(told, err=True)


def _tell_log(log: CleaningLog) -> None:
    for label, rows in log.flow():
        click.echo(f"{rows:>8,}  {label}")
    click.echo(f"\n{'rows':>8}  {'cells':>8}  {'action':<13}rule")
    for rule, action, detail, rows, cells in log.rules.itertuples(index=False):
        named = f"{rule} ({detail})" if detail else rule
        click.echo(f"{rows:>8,}  {cells:>8,}  {action:<13}{named}")
    click.echo()
    changed = log.cells[log.cells["cells"] > 0]
    for rule, variable, reason, cells in changed.itertuples(index=False):
        why = f" ({reason})" if reason not in ("", rule) else ""
        click.echo(f"{cells:>8,}  cells of {variable}: {rule}{why}")


def _warn(texts: Iterable[str]) -> None:
    for text in texts:
        click.echo(f"warning  {text}", err=True)


def _shown(folder: Path) -> Path:
    """Return a folder as seen from here, if it lies below; an analysis names it from its own folder."""
    below = folder.resolve()
    here = Path.cwd().resolve()
    return below.relative_to(here) if below.is_relative_to(here) else folder


@contextmanager
def _told() -> Iterator[None]:
    """Turn the package's errors into their words on stderr and their exit status."""
    try:
        yield
    except CoprodstatsError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_status)


@contextmanager
def _progress(title: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done: a live line on a terminal, one closing line elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        click.echo(f"{title}: done", err=True)
        return
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True)
    with console.status(title) as status:

        def say(step: str) -> None:
            status.update(f"{title}: {step}")

        yield say
    console.print(f"{title}: done")
