// The data of the page, what the browser stores, and the list of cases.  Text from cases is inserted
// as text, never as markup.
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
