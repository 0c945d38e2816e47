// Files, keys and forms; then the page is set up.
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
