// Which cases are listed and in which order, and how large they are drawn: functions without a page.
(() => {
  const { VERDICTS } = spinalcordQc;

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
      case "excluded": if (v !== "fail" && v !== "artefact") return false; break;
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

  Object.assign(spinalcordQc, { ORDERS, outcome, isStale, isWanted, sortCases, rowsInView, fitting, digest });
})();
