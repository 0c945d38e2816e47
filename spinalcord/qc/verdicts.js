// Files of verdicts, read by the rules of spinalcord/tables/parsing.py: tests/qc/verdict_cases.json
// has cases that both must read alike.
const spinalcordQc = {};
(() => {
  const VERDICTS = ["pass", "fail", "artefact"];
  const MISSING = new Set(["", "n/a", "na", "nan", "none", "null", "nat", "<na>", "#n/a", ".", "-", "–", "—"]);
  const EXPECTED = "expected verdicts: a table with the columns case_id and verdict";

  const clean = (text) => text.replace(/\s+/g, " ").trim();
  const value = (text) => (MISSING.has(text.trim().toLowerCase()) ? "" : clean(text));

  // Where a quoted cell that begins at `start` ends, after its closing quote; -1 where nothing closes it.
  function closing(text, start, mark) {
    for (let at = start + 1; at < text.length; at++) {
      if (text[at] !== '"') continue;
      if (text[at + 1] === '"') { at++; continue; }
      let next = at + 1;
      while (text[next] === " " || (text[next] === "\t" && mark !== "\t")) next++;
      return next >= text.length || text[next] === mark || text[next] === "\n" ? at + 1 : -1;
    }
    return -1;
  }

  // Number of cells of one line.
  function width(line, mark) {
    let count = 1, start = true;
    for (let at = 0; at < line.length; at++) {
      const end = start && line[at] === '"' ? closing(line, at, mark) : -1;
      if (end >= 0) at = end - 1;
      else if (line[at] === mark) { count++; start = true; continue; }
      if (line[at] !== " ") start = false;
    }
    return count;
  }

  // What separates cells: the same number of times in each line; of several the most frequent.
  function findSeparator(text) {
    const lines = text.split("\n").slice(0, 50).filter((line) => line.trim());
    let best = [0, 0], mark = "\t";
    for (const candidate of ["\t", ";", ","]) {
      const widths = lines.map((line) => width(line, candidate));
      if (!widths.length || widths[0] < 2) continue;
      const fitting = widths.filter((n) => n === widths[0] || n === widths[0] + 1).length / widths.length;
      if (fitting > best[0] || (fitting === best[0] && widths[0] > best[1])) {
        best = [fitting, widths[0]];
        mark = candidate;
      }
    }
    return mark;
  }

  function unclosed(line, cells, header, rest) {
    const column = header.length > cells ? `column ${header[cells]}` : `cell ${cells + 1}`;
    return new Error(
      `line ${line}, ${column}: the quote in ${rest.split("\n")[0].slice(0, 30)} is not closed before `
      + 'the next row; remove it, or write "" for a quote within a quoted cell',
    );
  }

  // Rows as {line, cells}; blank ones are skipped.  A quoted cell may contain line ends, but no whole row.
  function splitRows(text, mark) {
    const rows = [];
    let at = 0, line = 1;
    while (at < text.length) {
      const cells = [], begin = line, header = rows.length ? rows[0].cells : [];
      for (let more = true; more;) {
        while (text[at] === " ") at++;
        let end;
        if (text[at] === '"') {
          end = closing(text, at, mark);
          const inner = end < 0 ? [] : text.slice(at, end).split("\n").slice(1);
          const isRow = (one) => header.length > 1 && one.split(mark).length === header.length;
          if (end < 0 || inner.some(isRow)) throw unclosed(begin, cells.length, header, text.slice(at));
          cells.push(text.slice(at + 1, end - 1).replace(/""/g, '"').trim());
          line += inner.length;
          while (end < text.length && text[end] !== mark && text[end] !== "\n") end++;
        } else {
          for (end = at; end < text.length && text[end] !== mark && text[end] !== "\n"; end++);
          cells.push(text.slice(at, end).trim());
        }
        more = text[end] === mark;
        at = end + 1;
      }
      line++;
      if (cells.some(Boolean)) rows.push({ line: begin, cells });
    }
    return rows;
  }

  // Columns of the header by their names in lower case.
  function readHeader(cells) {
    const columns = new Map();
    cells.forEach((cell, i) => {
      const name = cell.toLowerCase(), other = columns.has(name) ? cells[columns.get(name)] : null;
      if (name && other !== null) {
        const twice = other === cell ? `${cell} twice` : `both ${other} and ${cell}`;
        throw new Error(`line 1: a column twice: the header has ${twice}, and names are the same whatever their case`);
      }
      columns.set(name, i);
    });
    return columns;
  }

  function checkWidth({ line, cells }, header) {
    const n = header.length, least = header[n - 1].toLowerCase() === "note" ? n - 1 : n;
    if (cells.slice(n).some(Boolean)) {
      throw new Error(`line ${line}, cell ${n + 1}: the row has more values than the header has columns: ${cells.length} cells; expected ${n}`);
    }
    if (cells.length < least) {
      throw new Error(`line ${line}, column ${header[cells.length]}: the row ends before it: ${cells.length} cells; expected ${n}`);
    }
  }

  // Verdicts of a file: case_id to {v: verdict, n: note}.  Throws an error with a sentence.
  function parseVerdicts(text) {
    text = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
    const first = text.split("\n", 1)[0], names = splitRows(first, findSeparator(first))[0];
    const known = (names ? names.cells : []).map((name) => name.toLowerCase());
    if (!known.includes("case_id") || !known.includes("verdict")) throw new Error(EXPECTED);
    const [header, ...rows] = splitRows(text, findSeparator(text));
    const columns = readHeader(header.cells), found = new Map();
    for (const row of rows) {
      checkWidth(row, header.cells);
      const of = (name) => value(row.cells[columns.get(name)] || "");
      const id = of("case_id"), verdict = of("verdict");
      if (!id) throw new Error(`line ${row.line} has no case_id`);
      if (found.has(id)) throw new Error(`line ${row.line}: case ${id} occurs twice`);
      if (verdict && !VERDICTS.includes(verdict.toLowerCase())) {
        throw new Error(`line ${row.line}: '${verdict}' is none of ${VERDICTS.join(", ")}`);
      }
      found.set(id, { v: verdict.toLowerCase(), n: columns.has("note") ? of("note") : "" });
    }
    return found;
  }

  function field(text) {
    const one = clean(text);
    return one.includes('"') ? `"${one.replace(/"/g, '""')}"` : one;
  }

  // A file of verdicts; ids give the order; those without a verdict are omitted.
  function formatVerdicts(ids, verdicts) {
    const lines = ["case_id\tverdict\tnote"];
    for (const id of ids) {
      const one = verdicts.get(id);
      if (one && (one.v || one.n)) lines.push([id, one.v || "n/a", one.n || "n/a"].map(field).join("\t"));
    }
    return lines.join("\n") + "\n";
  }

  Object.assign(spinalcordQc, { VERDICTS, parseVerdicts, formatVerdicts });
})();
