"""Look at reports and briefings as their readers do, and write down what was found.

In headless Chromium: axe-core's rules at three widths on light and dark screens, reflow, size of what is
pressed, headings, a walk by keyboard through each page, forced colours, and the sheets that print.

    make accessibility                  the committed report; axe-core comes from npm
    make accessibility ARGS="--pages DIR --axe axe.min.js"

axe-core (MPL-2.0) is no part of the package: it is fetched into a folder that is thrown away.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from chromium import Page, chromium, find_chromium

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "accessibility.json"
TEMPLATES = ROOT / "src" / "coprodstats" / "reporting" / "templates"
AXE = "axe-core@4.14.1"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
WIDTHS = (320, 768, 1280)
NAMES = ("report.html", "briefing.html")
BRIEFING_SHEETS = 2


def main() -> int:
    """Check every page and write the results; 1 if there is a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pages", type=Path, default=ROOT / "reports" / "five_nation_2008")
    parser.add_argument("--axe", type=Path, help="axe.min.js; fetched by npm otherwise")
    arguments = parser.parse_args()
    program = find_chromium()
    if program is None:
        sys.exit("There is no Chromium here. Debian, Ubuntu:   sudo apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        axe = (arguments.axe or fetched(Path(folder))).read_text(encoding="utf-8")
    files = pages_of(arguments.pages)
    with chromium(program) as page:
        found = {
            "axe": axe.partition("! axe v")[2].partition("\n")[0],
            "chromium": page.evaluate("navigator.userAgent").partition("Chrome/")[2].partition(" ")[0],
            "rules": list(TAGS),
            "templates": templates_hash(),
            "pages": {name: checked(page, file, axe) for name, file in files.items()},
        }
    RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    faults = list(faults_of(found))
    sys.stdout.write("\n".join([*faults, f"{len(files)} pages, {len(faults)} faults: {RESULTS}"]) + "\n")
    return 1 if faults else 0


def fetched(folder: Path) -> Path:
    """Fetch axe-core into a folder."""
    command = ["npm", "install", "--no-save", "--silent", "--prefix", str(folder), AXE]
    subprocess.run(command, check=True)
    return folder / "node_modules" / "axe-core" / "axe.min.js"


def pages_of(folder: Path) -> dict[str, Path]:
    """Return reports and briefings of a run, in each of its languages, by name."""
    found = sorted(file for name in NAMES for file in folder.rglob(name))
    return {file.relative_to(folder).as_posix(): file for file in found}


def templates_hash() -> str:
    """Return the hash of all that decides how a page looks and behaves, its words and numbers aside."""
    suffixes = {".j2", ".css", ".js"}
    files = sorted(file for file in TEMPLATES.iterdir() if file.suffix in suffixes)
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def checked(page: Page, file: Path, axe: str) -> dict[str, Any]:
    """Return what one page is like, view by view."""
    found: dict[str, Any] = {"views": {}}
    for width, dark in product(WIDTHS, (False, True)):
        view = f"{width} px, {'dark' if dark else 'light'}"
        page.emulate(width, dark=dark)
        found["views"][view] = looked_at(page, file, axe)
    page.emulate(1280, forced=True)
    found["views"]["1280 px, forced colours"] = looked_at(page, file, axe)
    page.emulate(768)
    found["keyboard"] = walked(page, file)
    found["sheets"] = len(re.findall(rb"/Type\s*/Page\b", page.pdf()))
    found["complaints"] = page.messages
    found["requests"] = [url for url in page.requests if not url.startswith("file:")]
    return found


def looked_at(page: Page, file: Path, axe: str) -> dict[str, Any]:
    """Return the faults of a page as it is shown now, with all details open.

    Without the text of axe-core its rules are left out. What it calls incomplete is for people to judge:
    contrast where a heading of rows covers cells that scroll beneath it, and headings of groups of rows,
    which have no cell in their own row.
    """
    page.open(file)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    told: dict[str, Any] = {"violations": []}
    if axe:
        page.evaluate(f"{axe}; undefined")
        told = page.evaluate(
            f"axe.run(document, {{runOnly: {json.dumps(TAGS)}, resultTypes: ['violations', 'incomplete']}})"
            ".then(r => ({passes: r.passes.length, violations: r.violations.map(v => [v.id, v.nodes.length,"
            " v.nodes[0].html.slice(0, 120)]), incomplete: r.incomplete.map(v => v.id)}))"
        )
    script = (HERE / "walk.js").read_text(encoding="utf-8")
    for kind in ("reflow", "targets", "headings"):
        told[kind] = page.evaluate(f"({script}).{kind}()")
    return told


def walked(page: Page, file: Path) -> dict[str, Any]:
    """Walk through a page by the Tab key; return how far it goes and what was wrong on the way."""
    page.open(file)
    script = (HERE / "walk.js").read_text(encoding="utf-8")
    page.evaluate(f"window.walk = {script}; undefined")
    stops = page.evaluate("walk.stops()")
    faults, reached = [], []
    for _ in stops:
        page.press("Tab")
        at = page.evaluate("walk.focused()")
        if at is None:
            faults.append("the focus is lost")
            break
        reached.append(at["stop"])
        faults += [f"{word}: {at['what']}" for word in ("ring", "inside") if not at[word]]
    if reached != stops:
        faults.append(f"{len(reached)} of {len(stops)} stops are reached in reading order")
    page.press("Tab")
    if page.evaluate("walk.focused()") is not None:
        faults.append("the focus does not leave the page at its end")
    return {"stops": len(stops), "faults": faults, "skip_link": skipped(page, file)}


def skipped(page: Page, file: Path) -> bool:
    """Return whether the first stop leads past banner and contents, so that the next one is in the text."""
    page.open(file)
    page.press("Tab")
    first = page.evaluate("document.activeElement.className")
    page.press("Enter")
    page.press("Tab")
    return bool(first == "skip" and page.evaluate("!!document.activeElement.closest('main')"))


def faults_of(found: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each fault in the results."""
    for name, page in found["pages"].items():
        for view, told in page["views"].items():
            for kind in ("violations", "reflow", "targets", "headings"):
                yield from (f"{name}, {view}, {kind}: {fault}" for fault in told[kind])
        yield from (f"{name}, keyboard: {fault}" for fault in page["keyboard"]["faults"])
        if not page["keyboard"]["skip_link"]:
            yield f"{name}: the skip link does not lead into the text"
        if "briefing" in name and page["sheets"] != BRIEFING_SHEETS:
            yield f"{name}: it prints on {page['sheets']} sheets"
        yield from (f"{name}: {text}" for text in [*page["complaints"], *page["requests"]])


if __name__ == "__main__":
    sys.exit(main())
