"""The documentation site: `sphinx-build -W --keep-going -c docs . build/site`.

Its source is the repository itself, so that a link in README, docs, benchmarks or notebooks leads
to the same place on the site as in the repository. The front page is README.md.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
EXECUTED = Path(os.environ.get("SPINALCORD_NOTEBOOKS", ROOT / "build" / "notebooks"))
"""Where tests/test_notebooks.py leaves notebooks with outputs; the repository's have none."""

CONTENTS = {
    "Use": [
        "install",
        "quickstart",
        "pictures",
        "explanations",
        "scans",
        "models",
        "models-made",
        "limits",
    ],
    "Many cases": ["cohort", "qc", "cluster", "report", "statistics", "letter"],
    "Make your own": ["labs", "phantom", "training"],
    "Inside": ["how-it-works", "core", "../benchmarks/README"],
}
"""Pages of the sidebar, seen from this folder; others begin "Reference"."""

REFERENCE = ["docs/api/index", "CHANGELOG", "SECURITY", "THIRD-PARTY"]

# ---- Sphinx -------------------------------------------------------------------------------------

project = "spinalcord"
author = "The spinalcord developers"
(version,) = re.findall(
    r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
)
release = version
root_doc = "README"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "THIRD-PARTY.md",
    "docs/**",
    "benchmarks/README.md",
    "notebooks/*",
]
exclude_patterns = ["**/.ipynb_checkpoints"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]

html_theme = "furo"
html_title = f"spinalcord {version}"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]

# ---- Markdown and notebooks ---------------------------------------------------------------------

myst_heading_anchors = 3
nb_execution_mode = "off"
nb_merge_streams = True
nb_output_stderr = "remove"  # warnings stand in the results too

# ---- Docstrings ---------------------------------------------------------------------------------

default_role = "py:obj"  # `names` in docstrings are links where there is something to link to
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings state types, shapes and units
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False


def setup(app: Sphinx) -> None:
    """Connect what follows."""
    # Pages come and go, and outputs with them, without a change in the files that show them.
    app.connect("env-get-outdated", find_outdated)
    app.connect("source-read", add_contents)
    app.connect("source-read", take_outputs)
    app.connect("build-finished", make_index)


def find_outdated(app: Sphinx, env: Any, *_: set[str]) -> list[str]:
    """Read again what depends on more than its own file."""
    return [name for name in env.found_docs if name == root_doc or name.startswith("notebooks/")]


def add_contents(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give the front page the sidebar's contents, which the repository's view has no use for."""
    if docname != root_doc:
        return
    listed = {Path(page).name for pages in CONTENTS.values() for page in pages}
    pages = sorted(path.stem for path in ROOT.glob("docs/*.md"))
    more = [page for page in pages if page not in listed]
    notebooks = sorted(f"notebooks/{path.stem}" for path in ROOT.glob("notebooks/*.ipynb"))
    trees = {
        "Notebooks": ["notebooks/README", *notebooks],
        **{
            title: [os.path.normpath(f"docs/{page}") for page in pages]
            for title, pages in CONTENTS.items()
        },
        "Reference": [*(f"docs/{page}" for page in more), *REFERENCE],
    }
    order = ["Use", "Notebooks", *(title for title in trees if title not in ("Use", "Notebooks"))]
    for title in order:
        lines = "\n".join(trees[title])
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{lines}\n```\n"


def take_outputs(app: Sphinx, docname: str, source: list[str]) -> None:
    """Show a notebook with the outputs of its last execution, where there is one."""
    executed = EXECUTED / f"{Path(docname).name}.ipynb"
    if docname.startswith("notebooks/") and executed.is_file():
        source[0] = executed.read_text(encoding="utf-8")


def make_index(app: Sphinx, exception: Exception | None) -> None:
    """Let a web server find the front page."""
    if exception is None and app.builder.name == "html":
        shutil.copyfile(Path(app.outdir) / f"{root_doc}.html", Path(app.outdir) / "index.html")
