"use strict";
// Pure functions first (spinalcordQc, for tests); then the page that is made of them.
// Text from cases goes to the page as text, never as markup.
const spinalcordQc = (() => {
  const VERDICTS = ["pass", "fail", "artefact"];

  // Rows of tab-separated text; a value in double quotes may contain tabs, line ends and "".
  function splitTable(text) {
    const rows = [];
    let row = [], value = "", quoted = false, start = true;
    const endValue = () => { row.push(value); value = ""; start = true; };
    const endRow = () => { endValue(); if (row.length > 1 || row[0] !== "") rows.push(row); row = []; };
    text = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (quoted) {
        if (c !== '"') value += c;
        else if (text[i + 1] === '"') { value += '"'; i++; } else quoted = false;
      } else if (c === "\t") endValue();
      else if (c === "\n") endRow();
      else if (c === '"' && start) { quoted = true; start = false; }
      else { value += c; start = false; }
    }
    if (quoted) throw new Error("a double quote is never closed");
    endRow();
    return rows;
  }

  // Verdicts of a file: case to {v, n}. Throws with a sentence where it is none.
  function parseVerdicts(text) {
    const [head, ...rows] = splitTable(text);
    const at = ["case_id", "verdict", "note"].map((name) => (head || []).indexOf(name));
    if (at[0] < 0 || at[1] < 0) throw new Error("expected a first line with case_id, verdict and note, separated by tabs");
    const found = new Map();
    rows.forEach((row, i) => {
      const id = (row[at[0]] || "").trim(), v = (row[at[1]] || "").trim().toLowerCase();
      const verdict = v === "n/a" ? "" : v;
      if (!id) throw new Error(`line ${i + 2} has no case_id`);
      if (verdict && !VERDICTS.includes(verdict)) throw new Error(`line ${i + 2}: "${v}" is none of ${VERDICTS.join(", ")}`);
      const note = at[2] < 0 ? "" : (row[at[2]] || "").trim();
      found.set(id, { v: verdict, n: note === "n/a" ? "" : note });
    });
    return found;
  }

  function field(value) {
    const text = value.replace(/\s+/g, " ").trim();
    return text.includes('"') ? `"${text.replace(/"/g, '""')}"` : text;
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

  const outcome = (c) => (c.status !== "done" ? c.status : c.answer || "no lesion");
  const isStale = (c, verdict) => Boolean(verdict && verdict.v && verdict.k !== c.key);

  // Distance of the surest doubt: the smallest distance of a probability to its threshold.
  function doubt(c) {
    const away = c.p.map((p, i) => (p === null ? null : Math.abs(p - c.thresholds[i]))).filter((d) => d !== null);
    return away.length ? Math.min(...away) : null;
  }

  function isWanted(c, verdict, wanted) {
    const v = verdict ? verdict.v : "", n = verdict ? verdict.n : "";
    if (wanted.search) {
      const hay = [c.id, n, c.reason, c.excluded, ...c.warnings].join("\n").toLowerCase();
      if (!hay.includes(wanted.search.toLowerCase())) return false;
    }
    switch (wanted.verdict) {
      case "": case undefined: break;
      case "none": if (v) return false; break;
      case "left-out": if (v !== "fail" && v !== "artefact") return false; break;
      case "note": if (!n) return false; break;
      case "stale": if (!isStale(c, verdict)) return false; break;
      default: if (v !== wanted.verdict) return false;
    }
    if (wanted.answer === "excluded" ? !c.excluded : wanted.answer && outcome(c) !== wanted.answer) return false;
    if (wanted.warning === "with" && !c.warnings.length) return false;
    if (wanted.warning === "without" && c.warnings.length) return false;
    const within = (value, from, to) => {
      if (from === null && to === null) return true;
      return value !== null && (from === null || value >= from) && (to === null || value <= to);
    };
    return within(c.volume, wanted.volumeFrom ?? null, wanted.volumeTo ?? null)
      && within(c.p[wanted.task || 0], wanted.pFrom ?? null, wanted.pTo ?? null);
  }

  // What to sort by; a case without a value comes last, either way round.
  const ORDERS = {
    cohort: ["cohort", (c) => c.index],
    verdict: ["verdict", (c, v) => (v && v.v ? VERDICTS.indexOf(v.v) : null)],
    answer: ["answer", (c) => outcome(c)],
    volume: ["volume, largest first", (c) => (c.volume === null ? null : -c.volume)],
    lesions: ["lesions, most first", (c) => (c.count === null ? null : -c.count)],
    dice: ["Dice, lowest first", (c) => c.dice],
    doubt: ["probability nearest its threshold", doubt],
    p0: ["", (c) => c.p[0]], p1: ["", (c) => c.p[1]], p2: ["", (c) => c.p[2]],
    warnings: ["warnings, most first", (c) => (c.warnings.length ? -c.warnings.length : null)],
  };

  function sortCases(cases, order, reversed, verdicts) {
    const value = ORDERS[order][1], sign = reversed ? -1 : 1;
    const keyed = cases.map((c) => [value(c, verdicts.get(c.id)), c]);
    keyed.sort(([a, x], [b, y]) => {
      if (a === null || b === null) return (a === null) - (b === null) || x.index - y.index;
      const way = typeof a === "string" ? a.localeCompare(b) : a - b;
      return sign * way || x.index - y.index;
    });
    return keyed.map(([, c]) => c);
  }

  // Rows of the list to draw, and a few beyond either end.
  function rowsInView(top, height, rowHeight, count) {
    const first = Math.max(0, Math.floor(top / rowHeight) - 5);
    return [first, Math.min(count, Math.ceil((top + height) / rowHeight) + 5)];
  }

  // The largest size at which n tiles fit into a box without scrolling.
  function fitting(n, tile, box, gap) {
    let best = 0.5;
    for (let columns = 1; columns <= n; columns++) {
      const rows = Math.ceil(n / columns);
      best = Math.max(best, Math.min((box[1] - (columns - 1) * gap) / columns / tile[1], (box[0] - (rows - 1) * gap) / rows / tile[0]));
    }
    return Math.min(best, 4);
  }

  // 53 bits of a text, for names in the browser's storage (not for security).
  function digest(text) {
    let a = 0xdeadbeef, b = 0x41c6ce57;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      a = Math.imul(a ^ c, 2654435761);
      b = Math.imul(b ^ c, 1597334677);
    }
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
    return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
  }

  return { VERDICTS, ORDERS, splitTable, parseVerdicts, formatVerdicts, outcome, isStale, isWanted, sortCases, rowsInView, fitting, digest };
})();

(() => {
  const Q = spinalcordQc;
  const $ = (id) => document.getElementById(id);
  const ROW = 46, GAP = 6;
  const raw = JSON.parse($("data").textContent);
  $("data").remove();
  const about = raw.about, tasks = about.tasks;
  const cases = raw.rows.map((row, index) => {
    const c = { index };
    raw.columns.forEach((name, i) => { c[name] = row[i]; });
    return c;
  });
  raw.rows = null;
  const known = new Map(cases.map((c) => [c.id, c]));

  // ---- What the browser keeps ----------------------------------------------------------------

  // Pages of one folder share their verdicts; each case has an entry of its own, so that two
  // windows on one page do not undo each other's work.
  const prefix = `spinalcord-qc:${Q.digest(location.pathname.replace(/[^/]*$/, ""))}:`;
  const verdicts = new Map();
  let storage = null, unsaved = false;

  function trouble(text) {
    $("trouble").textContent = text;
    $("trouble").hidden = !text;
  }

  function openStorage() {
    try {
      storage = window.localStorage;
      for (let i = 0; i < storage.length; i++) {
        const name = storage.key(i);
        if (name.startsWith(prefix)) read(name.slice(prefix.length), storage.getItem(name));
      }
    } catch (error) {
      storage = null;
      trouble("This browser keeps nothing for this page: export your verdicts before you leave it.");
    }
  }

  function read(id, text) {
    try {
      const one = JSON.parse(text);
      if (one && typeof one.v === "string" && typeof one.n === "string") verdicts.set(id, one);
    } catch (error) { /* not ours */ }
  }

  function keep(id, one) {
    const before = verdicts.get(id);
    if (before) count(before.v, -1);
    if (one.v || one.n) { verdicts.set(id, one); count(one.v, 1); } else verdicts.delete(id);
    try {
      if (one.v || one.n) storage.setItem(prefix + id, JSON.stringify(one));
      else storage.removeItem(prefix + id);
    } catch (error) {
      unsaved = true;
      trouble("The browser's storage is full or closed: export your verdicts before you leave this page.");
    }
  }

  function recall(name, otherwise) {
    try { return storage.getItem(`spinalcord-qc-${name}`) ?? otherwise; } catch (error) { return otherwise; }
  }
  function remember(name, value) {
    try { storage.setItem(`spinalcord-qc-${name}`, value); } catch (error) { /* a comfort only */ }
  }

  // ---- Small helpers -------------------------------------------------------------------------

  function make(tag, text, className) {
    const node = document.createElement(tag);
    if (text !== undefined && text !== null) node.textContent = text;
    if (className) node.className = className;
    return node;
  }
  const words = (task) => `${task.negative} or ${task.positive}`;
  const taskOf = (name) => tasks.find((task) => task.name === name);
  const number = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits }));
  const say = (text) => { $("said").textContent = text; };
  const plural = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
  const MARKS = { pass: "✓ pass", fail: "✗ fail", artefact: "▲ artefact" };

  function table(title, heads, rows, numeric) {
    const node = make("table");
    node.append(make("caption", title));
    const head = make("tr");
    heads.forEach((text, i) => {
      const cell = make("th", text, numeric(i) ? "number" : "");
      cell.scope = "col";
      head.append(cell);
    });
    node.append(make("thead"));
    node.firstChild.nextSibling.append(head);
    const body = make("tbody");
    for (const row of rows) {
      const line = make("tr");
      row.forEach((value, i) => {
        const cell = make("td", null, numeric(i) ? "number" : "");
        cell.append(value instanceof Node ? value : document.createTextNode(value));
        line.append(cell);
      });
      body.append(line);
    }
    node.append(body);
    return node;
  }

  // ---- The list ------------------------------------------------------------------------------

  let shown = cases, current = null, place = -1, drawn = "";

  function value(id) {
    const text = $(id).value.trim();
    return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
  }

  function refresh() {
    const wanted = {
      search: $("search").value.trim(), verdict: $("by-verdict").value, answer: $("by-answer").value,
      warning: $("by-warning").value, volumeFrom: value("volume-from"), volumeTo: value("volume-to"),
      task: Number($("task").value), pFrom: value("p-from"), pTo: value("p-to"),
    };
    shown = Q.sortCases(
      cases.filter((c) => Q.isWanted(c, verdicts.get(c.id), wanted)),
      $("order").value, $("turn").getAttribute("aria-pressed") === "true", verdicts,
    );
    place = current === null ? -1 : shown.indexOf(current);
    $("shown").textContent = `${plural(shown.length, "case", "cases")} of ${cases.length.toLocaleString("en")}`;
    $("room").style.height = `${shown.length * ROW}px`;
    if (place >= 0) scrollTo(place); else $("list").scrollTop = 0;
    drawList(true);
    if (place < 0 && shown.length) choose(0, false);
  }

  function scrollTo(at) {
    const list = $("list"), top = at * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
  }

  function drawList(anew) {
    const list = $("list");
    const [first, past] = Q.rowsInView(list.scrollTop, list.clientHeight, ROW, shown.length);
    const window_ = `${first}-${past}`;
    if (!anew && window_ === drawn) return;
    drawn = window_;
    const rows = [];
    for (let at = first; at < past; at++) rows.push(listRow(shown[at], at));
    $("room").replaceChildren(...rows);
    if (place >= first && place < past) list.setAttribute("aria-activedescendant", `row-${place}`);
    else list.removeAttribute("aria-activedescendant");
  }

  function listRow(c, at) {
    const row = make("div", null, "row"), one = verdicts.get(c.id);
    row.id = `row-${at}`;
    row.style.top = `${at * ROW}px`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", at === place ? "true" : "false");
    row.setAttribute("aria-setsize", shown.length);
    row.setAttribute("aria-posinset", at + 1);
    row.append(make("span", c.id));
    const mark = one && one.v ? MARKS[one.v] + (Q.isStale(c, one) ? " ?" : "") : "";
    row.append(make("span", mark + (one && one.n ? " ✎" : ""), one ? one.v : ""));
    const parts = c.excluded ? ["excluded"] : [];
    if (c.status !== "done" || !$("blind").checked) parts.push(Q.outcome(c));
    if (c.volume) parts.push(`${number(c.volume, 0)} mm³`);
    row.append(make("span", parts.join(" · "), "less"));
    row.append(make("span", c.warnings.length ? plural(c.warnings.length, "warning", "warnings") : "", "less"));
    return row;
  }

  // ---- A case --------------------------------------------------------------------------------

  let sheet = null, note = null;
  const wantedLines = { lesion: true, reference: true, cord: true };
  let wantedMap = "";
  const LINES = { lesion: ["", "#ff543c"], reference: ["reference", "#5adc78"], cord: ["cord", "#5ac8fa"] };

  function choose(at, announce = true) {
    if (!shown.length) return;
    keepNote();
    place = Math.max(0, Math.min(shown.length - 1, at));
    current = shown[place];
    scrollTo(place);
    drawList(true);
    drawCase();
    if (announce) say(`${current.id}, ${place + 1} of ${shown.length}`);
    try { location.replace(`#case=${encodeURIComponent(current.id)}`); } catch (error) { /* a comfort only */ }
    for (const near of [place + 1, place - 1, place + 2]) if (shown[near]) preload(shown[near]);
  }

  const ahead = new Map();
  function preload(c) {
    if (!c.picture || ahead.has(c.picture.file)) return ahead.get(c.picture && c.picture.file);
    const image = new Image();
    image.decoding = "async";
    image.src = c.picture.file;
    ahead.set(c.picture.file, image);
    if (ahead.size > 8) ahead.delete(ahead.keys().next().value);
    return image;
  }

  function drawCase() {
    const c = current;
    $("name").textContent = c.id;
    $("case").scrollTop = 0;
    drawVerdict();
    drawTools();
    drawMosaic();
    drawFacts();
  }

  function drawVerdict() {
    const c = current, one = verdicts.get(c.id) || { v: "", n: "" };
    for (const button of $("verdicts").children) {
      button.setAttribute("aria-pressed", button.dataset.verdict === one.v && one.v ? "true" : "false");
    }
    $("note").value = one.n;
    note = one.n;
    const state = [];
    if (c.status === "failed") state.push(`Failed: ${c.reason}`);
    if (c.excluded) state.push(`Excluded from the tables: ${c.excluded}`);
    if (Q.isStale(c, one)) state.push("The verdict was given on earlier results of this case: look again.");
    $("state").textContent = state.join(" · ");
  }

  function drawTools() {
    const layers = current.picture ? current.picture.layers : [];
    $("tools").hidden = !layers.length;
    $("outlines").replaceChildren(...Object.keys(LINES).filter((name) => layers.includes(name)).map((name) => {
      const label = make("label"), box = make("input"), swatch = make("i", null, "swatch");
      box.type = "checkbox";
      box.checked = wantedLines[name];
      box.addEventListener("change", () => { wantedLines[name] = box.checked; paint(); });
      swatch.style.background = LINES[name][1];
      label.append(box, swatch, LINES[name][0] || `lesion ${current.mask === "given" ? "as given" : "found"}`);
      return label;
    }));
    if (!$("outlines").children.length) $("outlines").textContent = "none";
    const explained = tasks.filter((task) => layers.includes(task.name));
    if (!explained.some((task) => task.name === wantedMap) && wantedMap) wantedMap = explained.length ? explained[0].name : wantedMap;
    $("maps").replaceChildren(...[null, ...explained].map((task) => {
      const label = make("label"), button = make("input"), name = task ? task.name : "";
      button.type = "radio";
      button.name = "map";
      button.checked = name === (explained.length ? wantedMap : "");
      button.addEventListener("change", () => { wantedMap = name; paint(); });
      label.append(button, task ? words(task) : "none");
      return label;
    }));
  }

  function drawMosaic() {
    const c = current, mosaic = $("mosaic");
    mosaic.replaceChildren();
    $("legend").replaceChildren();
    sheet = null;
    if (!c.picture) { mosaic.append(make("p", "No picture of this case.")); return; }
    const image = preload(c);
    for (const [i, slice] of c.picture.slices.entries()) {
      const figure = make("figure"), canvas = make("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `slice ${slice} of ${c.id}`);
      figure.append(canvas, make("figcaption", `slice ${slice}`));
      if (i === 0) {
        for (const letter of "SIAP") {
          const mark = make("span", letter, `letter ${letter}`);
          mark.setAttribute("aria-hidden", "true");
          figure.append(mark);
        }
      }
      mosaic.append(figure);
    }
    const ready = () => { if (current === c) { sheet = image; paint(); } };
    if (image.complete && image.naturalWidth) ready();
    else {
      image.addEventListener("load", ready, { once: true });
      image.addEventListener("error", () => {
        ahead.delete(c.picture.file);
        if (current === c) mosaic.replaceChildren(make("p", `The picture ${c.picture.file} is not beside this page: copy the folder qc along with it.`));
      }, { once: true });
    }
  }

  function scale() {
    const chosen = Number($("zoom").value), { size, slices } = current.picture;
    const above = $("mosaic").offsetTop - $("case").offsetTop;
    const box = [Math.max(240, $("case").clientHeight - above - 64), Math.max(240, $("mosaic").clientWidth)];
    return chosen || Q.fitting(slices.length, size, box, GAP);
  }

  // Draw scan, attribution and outlines on top of each other, as selected.
  function paint() {
    if (!current || !current.picture) return;
    const { layers, size: [rows, columns], gap } = current.picture, by = scale();
    const dots = window.devicePixelRatio || 1;
    const explained = !document.body.classList.contains("blind") && layers.includes(wantedMap);
    const over = [];
    if (explained) over.push([layers.indexOf(wantedMap), Number($("heat").value) / 100]);
    for (const name of ["cord", "reference", "lesion"]) {
      if (layers.includes(name) && wantedLines[name]) over.push([layers.indexOf(name), Number($("line").value) / 100]);
    }
    [...$("mosaic").querySelectorAll("canvas")].forEach((canvas, i) => {
      canvas.style.width = `${columns * by}px`;
      canvas.style.height = `${rows * by}px`;
      canvas.width = Math.round(columns * by * dots);
      canvas.height = Math.round(rows * by * dots);
      if (!sheet) return;
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      for (const [layer, alpha] of [[0, 1], ...over]) {
        context.globalAlpha = alpha;
        context.drawImage(sheet, i * (columns + gap), layer * (rows + gap), columns, rows, 0, 0, canvas.width, canvas.height);
      }
    });
    drawLegend(by, explained);
  }

  function drawLegend(by, explained) {
    const { slices, held, pixel_mm: mm } = current.picture, parts = [];
    const text = held
      ? `${plural(slices.length, "slice", "slices")} from the patient's left to right; lesion on ${plural(held, "slice", "slices")}`
      : `${plural(slices.length, "slice", "slices")} around the middle, from the patient's left to right; none with lesion`;
    parts.push(make("span", text));
    const bar = make("span"), line = make("i", null, "scale");
    line.style.width = `${(20 / mm) * by}px`;
    bar.append(line, "20 mm");
    parts.push(bar);
    if (explained) {
      const at = tasks.findIndex((task) => task.name === wantedMap), key = make("span");
      const inside = current.inside[at];
      key.append(`attribution for ${current.labels[at]}: none`, make("i", null, "bar"), "the most in this case");
      const flat = current.flat[at] === null ? "" : `; ${number(100 * current.flat[at], 1)} % if it were spread evenly`;
      if (inside !== null) key.append(` (${number(100 * inside, 1)} % of it in the lesion${flat})`);
      parts.push(key);
    }
    $("legend").replaceChildren(...parts);
  }

  function drawFacts() {
    const c = current;
    $("answers").replaceChildren();
    if (c.status === "done" && c.answer) {
      const rows = tasks.map((task, i) => [words(task), c.labels[i], number(c.p[i]), number(c.thresholds[i])]);
      $("answers").append(table(`Answer: ${c.answer}`, ["question", "answer", `p of the second`, "threshold"], rows, (i) => i > 1));
      const four = about.diagnoses.map((name, i) => {
        const meter = make("meter");
        meter.value = c.four[i] ?? 0;
        meter.textContent = number(c.four[i]);
        return [name, number(c.four[i]), meter];
      });
      const second = table("Probabilities", ["diagnosis", "p", ""], four, (i) => i === 1);
      second.style.marginTop = ".8rem";
      $("answers").append(second);
    }
    $("lesions").replaceChildren();
    if (c.status === "done") {
      const size = [`${plural(c.count ?? 0, "lesion", "lesions")}, ${number(c.volume, 0)} mm³`];
      if (c.dice !== null) size.push(`Dice with the reference ${number(c.dice)}`);
      const rows = c.lesions.map(([ours, ...rest]) => [ours ? (c.mask === "given" ? "given" : "found") : "reference", ...rest.map((v, i) => number(v, i === 0 ? 0 : i > 5 ? 2 : i === 1 ? 0 : 1))]);
      if (rows.length) {
        $("lesions").append(table(size.join("; "), about.lesion_columns, rows, (i) => i > 0));
        if (c.more) $("lesions").append(make("p", `and ${c.more} smaller ones: see lesions.tsv`));
      } else $("lesions").append(make("h3", "No lesion"));
    }
    $("warnings").replaceChildren();
    if (c.warnings.length) {
      const list = make("ul");
      c.warnings.forEach((text) => list.append(make("li", text)));
      $("warnings").append(make("h3", "Warnings"), list);
    }
  }

  // ---- Judging -------------------------------------------------------------------------------

  const counts = { pass: 0, fail: 0, artefact: 0 };
  function count(v, by) { if (v in counts) counts[v] += by; }

  function countAll() {
    for (const v in counts) counts[v] = 0;
    for (const [id, one] of verdicts) if (known.has(id)) count(one.v, 1);
    drawProgress();
  }

  function drawProgress() {
    const judged = counts.pass + counts.fail + counts.artefact;
    $("progress").textContent = `${judged.toLocaleString("en")} of ${plural(cases.length, "case", "cases")} judged: ${counts.pass} pass, ${counts.fail} fail, ${counts.artefact} artefact`;
  }

  function judge(v) {
    if (!current) return;
    keepNote();
    const one = verdicts.get(current.id) || { v: "", n: "" };
    keep(current.id, { v, n: one.n, k: current.key });
    drawProgress();
    drawVerdict();
    drawList(true);
    say(`${current.id}: ${v || "no verdict"}`);
    if (v && $("go-on").checked && place + 1 < shown.length) choose(place + 1);
  }

  function keepNote() {
    if (!current || note === null) return;
    const text = $("note").value.replace(/\s+/g, " ").trim();
    if (text === note) return;
    const one = verdicts.get(current.id) || { v: "", n: "", k: current.key };
    keep(current.id, { ...one, n: text });
    note = text;
    drawList(true);
  }

  // ---- Files ---------------------------------------------------------------------------------

  function exported() {
    keepNote();
    const ids = cases.map((c) => c.id);
    if (about.pages.length > 1) for (const id of verdicts.keys()) if (!known.has(id)) ids.push(id);
    return Q.formatVerdicts(ids, verdicts);
  }

  function save() {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([exported()], { type: "text/tab-separated-values" }));
    link.download = "verdicts.tsv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    unsaved = false;
    say("verdicts exported");
  }

  function take(text) {
    let found;
    try { found = Q.parseVerdicts(text); } catch (error) { trouble(`Nothing imported: ${error.message}.`); return; }
    trouble("");
    let strange = 0;
    for (const [id, one] of found) {
      const c = known.get(id);
      if (!c && about.pages.length === 1) { strange++; continue; }
      keep(id, { ...one, k: c ? c.key : "" });
    }
    if (strange) trouble(`${plural(strange, "case of the file is", "cases of the file are")} not on this page and ignored.`);
    countAll();
    refresh();
    if (current) drawVerdict();
    say(`${plural(found.size - strange, "verdict", "verdicts")} imported`);
  }

  // ---- Keys ----------------------------------------------------------------------------------

  function cycleMap() {
    const layers = current && current.picture ? current.picture.layers : [];
    const names = ["", ...tasks.map((task) => task.name).filter((name) => layers.includes(name))];
    if (names.length < 2 || document.body.classList.contains("blind")) return;
    wantedMap = names[(names.indexOf(wantedMap) + 1) % names.length];
    drawTools();
    paint();
    say(wantedMap ? `attribution: ${words(taskOf(wantedMap))}` : "no attribution");
  }

  function toggleLines() {
    const on = !Object.keys(LINES).some((name) => wantedLines[name]);
    for (const name in LINES) wantedLines[name] = on;
    drawTools();
    paint();
    say(on ? "outlines shown" : "outlines hidden");
  }

  function zoom(step) {
    const select = $("zoom");
    select.selectedIndex = Math.max(0, Math.min(select.options.length - 1, select.selectedIndex + step));
    paint();
  }

  function slide(id, step) {
    $(id).value = Number($(id).value) + step;
    paint();
  }

  function tick(id) {
    $(id).checked = !$(id).checked;
    $(id).dispatchEvent(new Event("change"));
    say(`${$(id).parentElement.firstChild.nextSibling.textContent.trim()}: ${$(id).checked ? "on" : "off"}`);
  }

  const KEYS = [
    ["j, ↓", "next case", ["j", "ArrowDown"], () => choose(place + 1)],
    ["k, ↑", "case before", ["k", "ArrowUp"], () => choose(place - 1)],
    ["Page Up, Page Down", "ten cases on or back, in the list", [], null],
    ["Home, End", "first or last case, in the list", [], null],
    ["p", "pass", ["p"], () => judge("pass")],
    ["f", "fail: the result is wrong", ["f"], () => judge("fail")],
    ["a", "artefact: the scan cannot be used", ["a"], () => judge("artefact")],
    ["u", "no verdict", ["u"], () => judge("")],
    ["n", "write a note; Enter or Esc ends it", ["n"], () => { $("note").focus(); $("note").select(); }],
    ["o", "outlines on or off", ["o"], toggleLines],
    ["h", "attribution: none, one question, the other", ["h"], cycleMap],
    ["[ and ]", "opacity of the outlines", ["["], () => slide("line", -10)],
    ["", "", ["]"], () => slide("line", 10)],
    ["{ and }", "opacity of the attribution", ["{"], () => slide("heat", -10)],
    ["", "", ["}"], () => slide("heat", 10)],
    ["+ and -", "larger, smaller", ["+", "="], () => zoom(1)],
    ["", "", ["-"], () => zoom(-1)],
    ["b", "hide or show answers and attribution", ["b"], () => tick("blind")],
    ["g", "go to the next case after a verdict, or not", ["g"], () => tick("go-on")],
    ["/", "search", ["/"], () => $("search").focus()],
    ["r", "filter and sort the list anew", ["r"], () => { refresh(); say($("shown").textContent); }],
    ["?", "this list of keys", ["?"], () => $("keys-shown").showModal()],
  ];
  const actions = new Map(KEYS.flatMap(([, , keys, action]) => keys.map((key) => [key, action])));

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || $("keys-shown").open) return;
    const target = event.target, kind = target.tagName === "INPUT" ? target.type : target.tagName;
    const isText = ["text", "search", "number", "TEXTAREA"].includes(kind);
    if (isText) {
      if (event.key === "Escape" || (event.key === "Enter" && target.id === "note")) {
        keepNote();
        $("list").focus();
        event.preventDefault();
      }
      return;
    }
    if (kind === "SELECT") return;
    if (event.key.startsWith("Arrow") && (kind === "range" || kind === "radio")) return;
    if (target.id === "list") {
      const jump = { Home: 0, End: shown.length - 1, PageDown: place + 10, PageUp: place - 10 }[event.key];
      if (jump !== undefined) { choose(jump); event.preventDefault(); return; }
    }
    const action = actions.get(event.key);
    if (!action) return;
    if (!$("keys").checked && event.key.length === 1) return;
    action();
    event.preventDefault();
  }

  // ---- Setting up ----------------------------------------------------------------------------

  function fillForms() {
    $("notice").textContent = about.notice;
    for (const name of [...about.diagnoses, "no lesion", "failed", "excluded"]) {
      $("by-answer").append(new Option(name, name));
    }
    for (const name in Q.ORDERS) {
      const at = /^p(\d)$/.exec(name);
      if (at) $("order").append(new Option(`probability of ${tasks[at[1]].positive}`, name));
      else $("order").append(new Option(Q.ORDERS[name][0], name));
    }
    tasks.forEach((task, i) => $("task").append(new Option(`${task.positive} (${words(task)})`, i)));
    for (const [v, key] of [["pass", "p"], ["fail", "f"], ["artefact", "a"], ["", "u"]]) {
      const button = make("button", v ? MARKS[v] : "clear");
      button.type = "button";
      button.dataset.verdict = v;
      button.append(" ", make("kbd", key));
      button.addEventListener("click", () => judge(v));
      $("verdicts").append(button);
    }
    for (const [keys, text] of KEYS) {
      if (!keys) continue;
      const row = make("tr"), head = make("th");
      head.scope = "row";
      head.append(make("kbd", keys));
      row.append(head, make("td", text));
      $("keys-table").append(row);
    }
    if (about.pages.length > 1) {
      $("pages").hidden = false;
      about.pages.forEach((page, i) => {
        const link = make("a", `part ${i + 1}`);
        link.href = page;
        if (i === about.page) link.setAttribute("aria-current", "page");
        $("pages").append(link, " ");
      });
    }
  }

  function listen() {
    document.addEventListener("keydown", onKey);
    const list = $("list");
    list.addEventListener("scroll", () => drawList(false), { passive: true });
    list.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) choose(Number(row.id.slice(4)));
    });
    const filters = $("filters");
    filters.addEventListener("input", refresh);
    filters.addEventListener("submit", (event) => event.preventDefault());
    filters.addEventListener("reset", () => {
      $("turn").setAttribute("aria-pressed", "false");
      setTimeout(refresh);
    });
    $("turn").addEventListener("click", () => {
      $("turn").setAttribute("aria-pressed", String($("turn").getAttribute("aria-pressed") !== "true"));
      refresh();
    });
    $("note").addEventListener("change", keepNote);
    for (const id of ["line", "heat", "zoom"]) $(id).addEventListener("input", paint);
    for (const id of ["go-on", "blind", "keys"]) {
      $(id).checked = recall(id, id === "keys" ? "1" : "") === "1";
      $(id).addEventListener("change", () => { remember(id, $(id).checked ? "1" : ""); if (id === "blind") hideAnswers(); });
    }
    $("export").addEventListener("click", save);
    $("import").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", async () => {
      const [file] = $("file").files;
      if (file) take(await file.text());
      $("file").value = "";
    });
    $("help").addEventListener("click", () => $("keys-shown").showModal());
    window.addEventListener("resize", () => { drawList(true); paint(); });
    window.addEventListener("pagehide", keepNote);
    window.addEventListener("beforeunload", (event) => { keepNote(); if (unsaved) event.preventDefault(); });
    window.addEventListener("storage", (event) => {
      if (!event.key || !event.key.startsWith(prefix)) return;
      const id = event.key.slice(prefix.length);
      verdicts.delete(id);
      if (event.newValue !== null) read(id, event.newValue);
      countAll();
      drawList(true);
      if (current && current.id === id) drawVerdict();
    });
  }

  function hideAnswers() {
    const blind = $("blind").checked;
    document.body.classList.toggle("blind", blind);
    if (blind && $("by-answer").value) { $("by-answer").value = ""; refresh(); }
    drawList(true);
    paint();
  }

  openStorage();
  fillForms();
  listen();
  hideAnswers();
  countAll();
  const asked = known.get(decodeURIComponent(location.hash.replace(/^#case=/, "")));
  if (asked) current = asked;
  refresh();
  if (asked) choose(place, false);
  $("list").focus();
  Object.assign(Q, { exported, take });
})();
