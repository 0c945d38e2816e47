// The selected case: picture, facts, verdict and note.
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
  const { slices, n_lesion_slices: found, pixel_mm: mm } = current.picture, parts = [];
  const text = found
    ? `${plural(slices.length, "slice", "slices")} from the patient's left to right; lesion on ${plural(found, "slice", "slices")}`
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
