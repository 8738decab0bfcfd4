# Copyright (c) 2026 The landmark bundle authors
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#     http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""One HTML page that shows a run: its figures, its pictures, its files."""

from __future__ import annotations

import base64
import math
import mimetypes
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts.io.atomic import atomic_path

__all__ = ["Section", "Table", "write_report"]

_UNITS = {
    "px": "px",
    "mm": "mm",
    "ms": "ms",
    "s": "s",
    "fps": "frames/s",
    "hz": "Hz",
    "percent": "%",
    "deg": "°",
    "mib": "MiB",
    "gib": "GiB",
}
_ACRONYMS = {
    "cpu": "CPU",
    "gpu": "GPU",
    "id": "ID",
    "csv": "CSV",
    "dicom": "DICOM",
    "roi": "ROI",
    "rmse": "RMSE",
    "ncc": "NCC",
}
# "3.7 ± 5.4", "-0.5 to 1.2", "1,024", "≤ 5 px", "89.7 %"
_FIGURE = r"[+-]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?"
_NUMERIC = re.compile(rf"[<>≤≥]?\s*{_FIGURE}(\s*(±|to|/)\s*{_FIGURE})?(\s*({'|'.join(_UNITS.values())}))?", re.I)
_NOTICE = "Research software. Not a medical device: not for diagnosis, treatment or any other clinical decision."

_STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #ffffff; --ink: #1c2126; --soft: #5d6873; --line: #dde2e7;
  --accent: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #101316; --card: #1a1e23; --ink: #e6e9ec; --soft: #9aa5b0; --line: #2c333a; --accent: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2.5rem 1.25rem 1rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .6rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 0 0 .6rem; overflow-wrap: anywhere; }
p { max-width: 46rem; margin: 0 0 .8rem; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem;
  margin: 1.4rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { text-align: left; padding: .4rem 1.6rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 600; font-size: .85rem; }
tbody th { font-weight: 500; }
.number { text-align: right; white-space: nowrap; }
.emphasis > * { font-weight: 700; }
.table { margin: 0 0 1.2rem; }
.note { margin: .4rem 0 0; }
.notes { margin: 0 0 .8rem; padding-left: 1.2rem; overflow-wrap: anywhere; }
.unit, .note, figcaption { color: var(--soft); font-size: .85rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
figure { margin: 0; max-width: 56rem; }
img { display: block; width: 100%; height: auto; border-radius: 8px; border: 1px solid var(--line); }
.embedded { display: flex; flex-wrap: wrap; align-items: flex-start; }
.embedded figure { max-width: 100%; }
.embedded img { width: auto; max-width: 100%; }
figcaption { margin-top: .35rem; overflow-wrap: anywhere; }
a { color: var(--accent); }
.files { list-style: none; display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: 1rem 0 0; }
.files a, .files span { display: block; padding: .3rem .8rem; border: 1px solid var(--line); border-radius: 999px;
  text-decoration: none; overflow-wrap: anywhere; }
.files a:hover { border-color: var(--accent); }
footer { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem 2.5rem; color: var(--soft); font-size: .85rem; }
@media print {
  @page { margin: 15mm; }
  :root { color-scheme: light; --ground: #ffffff; --card: #ffffff; --ink: #000000; --soft: #333333; --line: #999999;
    --accent: #000000; }
  body { font-size: 10pt; }
  main, footer { max-width: none; padding: 0; }
  p { max-width: none; orphans: 3; widows: 3; }
  section { border: 0; border-radius: 0; padding: 0; }
  h1, h2, caption { break-after: avoid; }
  figure, .table, table, tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  table { max-width: 100%; }
  th, td { padding-right: .9rem; overflow-wrap: anywhere; }
  .pictures { display: block; }
  figure, img { max-width: 100%; }
  figure { margin: 0 0 1rem; }
  img { width: auto; max-height: 22cm; border: 0; border-radius: 0; }
}
""".strip()


@dataclass(frozen=True)
class Table:
    """A table of the report. The first cell of a row names it; cells that look like numbers stand to the right.

    Attributes:
        caption: what the table shows.
        header: a name for each column; the head is left out when all are empty.
        rows: cells as they are to be read, with units here or in the header.
        note: a remark, shown small below.
        emphasis: indices of the rows in bold.

    Raises:
        ValueError: if a row has not as many cells as the header, or there is no row of an index of ``emphasis``.

    Example:
        >>> Table("Errors", ("Run", "Error [px]"), [("This run", "2.1 ± 0.9"), ("Paper", "5.8")], emphasis=[0]).note
        ''
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    emphasis: Sequence[int] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"{self.caption}: {len(self.header)} columns, but a row of {len(row)} cells: {row}.")
        if not set(self.emphasis) <= set(range(len(self.rows))):
            raise ValueError(f"{self.caption}: {len(self.rows)} rows, so no emphasis of {list(self.emphasis)}.")


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        heading: its title.
        text: what is to be said; a blank line begins a new paragraph.
        pictures: PNG or GIF files, as paths relative to the folder of the report.
        files: files to link to, likewise.
        tables: shown after the text.
        notes: short remarks, shown as a list after the tables.
        metrics: name to value, shown as a table as :func:`write_report` shows its own.

    Example:
        >>> Section("Motion", "Three landmarks.", pictures=["clip.gif"], files=["landmarks.csv"]).heading
        'Motion'
    """

    heading: str
    text: str = ""
    pictures: Sequence[str] = field(default_factory=list)
    files: Sequence[str] = field(default_factory=list)
    tables: Sequence[Table] = field(default_factory=list)
    notes: Sequence[str] = field(default_factory=list)
    metrics: Mapping[str, Any] = field(default_factory=dict)


def write_report(
    path: str | os.PathLike[str],
    *,
    title: str,
    intro: str,
    sections: Sequence[Section],
    metrics: Mapping[str, Any] | None = None,
    embed: bool = False,
) -> None:
    """Write an HTML page that opens from disk and prints well, with no script and nothing fetched from elsewhere.

    The names of metrics become words and their last part the unit: ``cyclic_error_px`` is shown as "Cyclic error" in
    px. A nested dict is shown with one line for each entry, for instance for each landmark; lists are joined, and
    ``None`` and NaN are shown as not available.

    Args:
        path: the page to write, such as ``out/index.html``; it is replaced whole.
        title: the heading of the page.
        intro: text below it; a blank line begins a new paragraph.
        sections: the parts, in order. Their pictures and files must exist.
        metrics: name to number, text, bool, list or dict of these.
        embed: write one file that holds its pictures and can be moved alone; files are named but not linked to.

    Raises:
        FileNotFoundError: if a picture or file is missing; the page is not written then.
        ValueError: if the path of a picture or file is absolute, for the page would break when the folder is moved.

    Example:
        >>> section = Section("Motion", "Three landmarks.", pictures=["clip.gif"], files=["landmarks.csv"])
        >>> write_report("out/index.html", title="Liver", intro="One clip.", sections=[section],  # doctest: +SKIP
        ...              metrics={"cyclic_error_px": 1.8, "motion_px": {"dome": 12.5, "vessel": 9.1}})
    """
    for section in sections:
        for name in (*section.pictures, *section.files):
            _check(name, Path(path).parent)
    body = [f"<h1>{escape(title)}</h1>", _paragraphs(intro)]
    if metrics:
        body.append(_section(Section("Metrics", metrics=metrics), None))
    source = Path(path).parent if embed else None
    body.extend(_section(section, source) for section in sections)
    with atomic_path(path) as temporary:
        temporary.write_text(_page(title, "\n".join(body)), encoding="utf-8")


def _check(name: str, folder: Path) -> None:
    if Path(name).is_absolute():
        raise ValueError(f"{name}: give paths relative to the folder of the report, {folder}.")
    if not (folder / name).is_file():
        raise FileNotFoundError(f"{folder / name}: the report refers to it, but there is no such file.")


def _page(title: str, body: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{_STYLE}
</style>
</head>
<body>
<main>
{body}
</main>
<footer>{_NOTICE}</footer>
</body>
</html>
"""


def _paragraphs(text: str) -> str:
    return "\n".join(f"<p>{escape(part.strip())}</p>" for part in text.split("\n\n") if part.strip())


def _section(section: Section, source: Path | None) -> str:
    """HTML of a section; ``source`` is the folder of the pictures to embed, None to link to them."""
    parts = [f"<section>\n<h2>{escape(section.heading)}</h2>", _paragraphs(section.text)]
    parts.extend(_table(table) for table in section.tables)
    if section.metrics:
        parts.append(_metrics_table(section.metrics))
    if section.notes:
        notes = "\n".join(f"<li>{escape(note)}</li>" for note in section.notes)
        parts.append(f'<ul class="notes">\n{notes}\n</ul>')
    if section.pictures:
        figures = "\n".join(_figure(name, section.heading, source) for name in section.pictures)
        parts.append(f'<div class="pictures{" embedded" if source else ""}">\n{figures}\n</div>')
    if section.files:
        files = "\n".join(f"<li>{_file(name, source)}</li>" for name in section.files)
        parts.append(f'<ul class="files">\n{files}\n</ul>')
    return "\n".join([*(part for part in parts if part), "</section>"])


def _table(table: Table) -> str:
    rows = "\n".join(_table_row(row, i in table.emphasis) for i, row in enumerate(table.rows))
    note = f'\n<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="table">\n<div class="scroll">\n<table>\n<caption>{escape(table.caption)}</caption>\n'
        f"{_table_head(table)}<tbody>\n{rows}\n</tbody>\n</table>\n</div>{note}\n</div>"
    )


def _table_head(table: Table) -> str:
    if not any(table.header):
        return ""
    cells = []
    for i, name in enumerate(table.header):
        over_numbers = any(_is_numeric(row[i]) for row in table.rows)
        cells.append(_cell("th" if name else "td", name, over_numbers, "col"))  # an empty cell is no header of a column
    return f"<thead><tr>{''.join(cells)}</tr></thead>\n"


def _table_row(row: Sequence[str], bold: bool) -> str:
    cells = [_cell("td" if i else "th", cell, _is_numeric(cell), "row") for i, cell in enumerate(row)]
    opening = '<tr class="emphasis">' if bold else "<tr>"
    return f"{opening}{''.join(cells)}</tr>"


def _cell(tag: str, text: str, number: bool, scope: str) -> str:
    options = f' scope="{scope}"' if tag == "th" else ""
    options += ' class="number"' if number else ""
    return f"<{tag}{options}>{escape(text)}</{tag}>"


def _is_numeric(cell: str) -> bool:
    return bool(_NUMERIC.fullmatch(cell.strip()))


def _figure(name: str, heading: str, source: Path | None) -> str:
    caption = escape(Path(name).name)
    alt = f"{escape(heading)}: {caption}"
    if source:
        image = f'<img src="{_data_address(source / name)}" alt="{alt}">'
    else:
        image = _link(name, f'<img src="{_address(name)}" alt="{alt}" loading="lazy">')
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


def _file(name: str, source: Path | None) -> str:
    return f"<span>{escape(Path(name).as_posix())}</span>" if source else _link(name, escape(Path(name).name))


def _data_address(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "image/png"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _link(name: str, inner: str) -> str:
    return f'<a href="{_address(name)}">{inner}</a>'


def _address(name: str) -> str:
    # "./" keeps a colon in a name from being read as a scheme such as "javascript:".
    return "./" + quote(Path(name).as_posix())


def _metrics_table(metrics: Mapping[str, Any]) -> str:
    rows = "\n".join(_row(*cells) for key, value in metrics.items() for cells in _measures(key, value))
    head = '<th>Measure</th><th>Of</th><th class="number">Value</th><th>Unit</th>'
    return f'<div class="scroll">\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>'


def _row(name: str, of: str, value: str, unit: str) -> str:
    return (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(of)}</td>'
        f'<td class="number">{escape(value)}</td><td class="unit">{escape(unit)}</td></tr>'
    )


def _measures(key: str, value: Any) -> Iterator[tuple[str, str, str, str]]:
    """Yield (name, of what, value, unit); the keys of a nested dict are names that people gave and stay as they are."""
    name, unit = _name_and_unit(key)
    for of, leaf in _leaves(value):
        yield name, " / ".join(of), _text(leaf), unit


def _leaves(value: Any, of: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(value, Mapping):
        yield of, value
        return
    for key, inner in value.items():
        yield from _leaves(inner, (*of, str(key)))


def _name_and_unit(key: str) -> tuple[str, str]:
    words = [word for word in str(key).split("_") if word]
    unit = _UNITS.get(words[-1].lower(), "") if len(words) > 1 else ""
    words = words[:-1] if unit else words
    if len(words) > 1 and words[0] == "n":
        words = ["number", "of", *words[1:]]
    words = [_ACRONYMS.get(word, word) for word in words]
    name = " ".join(words)
    return name[:1].upper() + name[1:], unit


def _text(value: Any) -> str:
    if value is None:
        return "not available"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if hasattr(value, "tolist"):  # arrays and their scalars
        return _text(value.tolist())
    if isinstance(value, Sequence):
        return ", ".join(_text(item) for item in value)
    return _number(value) if isinstance(value, int | float) else str(value)


def _number(value: int | float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "not available" if math.isnan(value) else "infinite"
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"
