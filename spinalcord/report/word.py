"""A report as a Word document (the extra `docx`): headings, tables, notes and figures."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..extras import require
from .contents import Contents
from .table import Table, column_shares, heading, text

_ROWS = 60  # of a table in the document; the CSV files have all
_LINE, _MARGIN = 140, 3  # characters of 8 pt: of a line, and of a cell's margins
_WIDTH_CM = 25.0  # of an A4 page turned, within its margins


def to_docx(contents: Contents, pictures: Mapping[str, bytes]) -> bytes:
    """Return the report as a Word document.

    Parameters
    ----------
    contents : Contents
    pictures : mapping of str to bytes
        PNG of the figures, by name.

    Returns
    -------
    bytes
        The same report gives the same bytes.

    Raises
    ------
    ImportError
        Without python-docx: says what to install.
    """
    docx = require("docx", "docx", "a Word document")
    document = docx.Document()
    _page(document)
    document.add_heading(contents.title, 0)
    for note in contents.notices:
        document.add_paragraph(note, style="Intense Quote")
    if contents.summary:
        document.add_heading("Main results", 1)
        for line in contents.summary:
            document.add_paragraph(line, style="List Bullet")
    if contents.methods:
        document.add_heading("Statistical methods", 1)
        document.add_paragraph(contents.methods)
        for line in contents.references:
            document.add_paragraph(line, style="List Number")
    for section in contents.sections:
        document.add_heading(section.title, 1)
        for plate, _ in section.plates:
            if plate.name in pictures:
                _picture(document, pictures[plate.name])
                caption = f"{plate.title}. {plate.caption} {contents.counts.get(plate.name, '')}"
                document.add_paragraph(caption.strip(), style="Caption")
        for table in section.tables:
            _table(document, table.first(_ROWS))
    if contents.missing:
        document.add_heading("Not made, and why", 1)
        for what, why in contents.missing.items():
            document.add_paragraph(f"{what}: {why}", style="List Bullet")
    _anonymous(document, contents.title)
    data = io.BytesIO()
    document.save(data)
    return _undated(data.getvalue())


def _page(document: Any) -> None:
    """Turn the page: wide tables."""
    cm = require("docx.shared", "docx", "a Word document").Cm
    section = document.sections[0]
    section.orientation = require(
        "docx.enum.section", "docx", "a Word document"
    ).WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = cm(29.7), cm(21.0)
    for side in ("left", "right", "top", "bottom"):
        setattr(section, f"{side}_margin", cm(2.0))


def _picture(document: Any, png: bytes) -> None:
    cm = require("docx.shared", "docx", "a Word document").Cm
    shape = document.add_picture(io.BytesIO(png))
    scale = min(1.0, cm(_WIDTH_CM) / shape.width, cm(15.0) / shape.height)
    shape.width, shape.height = int(shape.width * scale), int(shape.height * scale)


def _table(document: Any, table: Table) -> None:
    shared = require("docx.shared", "docx", "a Word document")
    document.add_heading(table.title, 2)
    grid = document.add_table(rows=1, cols=len(table.shown), style="Light List Accent 1")
    for cell, column in zip(grid.rows[0].cells, table.shown, strict=True):
        cell.text = heading(column)
    _repeat(grid.rows[0])
    for row in table.rows:
        for cell, column in zip(grid.add_row().cells, table.shown, strict=True):
            cell.text = text(row.get(column), column)
    grid.autofit = False
    widths = [shared.Cm(_WIDTH_CM * share) for share in column_shares(table, _LINE, _MARGIN)]
    for drawn, width in zip(grid.columns, widths, strict=True):
        drawn.width = width  # which LibreOffice goes by; Word goes by those of the cells
    for row in grid.rows:
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = width
            for run in (run for paragraph in cell.paragraphs for run in paragraph.runs):
                run.font.size = shared.Pt(8)
    for note in table.notes:
        paragraph = document.add_paragraph(note, style="List Bullet")
        for run in paragraph.runs:
            run.font.size = shared.Pt(8)


def _repeat(row: Any) -> None:
    """Repeat a header row on every page that the table covers."""
    oxml = require("docx.oxml", "docx", "a Word document")
    mark = oxml.OxmlElement("w:tblHeader")
    mark.set(require("docx.oxml.ns", "docx", "a Word document").qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def _anonymous(document: Any, title: str) -> None:
    """No date, no name of the template's author."""
    properties = document.core_properties
    properties.title, properties.author, properties.comments = title, "spinalcord", ""
    properties.created = properties.modified = datetime(2000, 1, 1)
    properties.last_modified_by = "spinalcord"


def _undated(data: bytes) -> bytes:
    """Write the archive anew with a fixed date: the same report, the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return out.getvalue()
