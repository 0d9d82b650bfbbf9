(() => {
  "use strict";

  const PAGE = 50;
  const PRINTED = 500;
  const SEVERITIES = ["critical", "high", "medium", "low"];
  const STATES = {
    open: ["new", "unchanged", "present"], new: ["new"], unchanged: ["unchanged"],
    waived: ["waived"], suppressed: ["suppressed"], fixed: ["fixed"],
  };
  const STATE_ORDER = ["new", "present", "unchanged", "waived", "suppressed", "fixed"];
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const names = data.strings;

  // A row of the data, see page_data.py: numbers point into the tables beside it.
  const rules = data.rules.map(([stage, id, title, fix, help, uri, tags]) => ({
    stage, id: names[id], title: names[title], fix: names[fix], help: help.map((each) => names[each]), uri, tags,
  }));
  const findings = data.findings.map(([id, severity, rule, tools, state, uri, line, message, extra]) => ({
    id, severity, rule: rules[rule], tools: data.tools[tools].map((each) => names[each]),
    state: data.states[state], uri: data.files[uri][0], encoded: data.files[uri][1], line, message: names[message],
    stages: extra.stages || [rules[rule].stage], extra,
  }));

  const view = {
    text: "", severities: new Set(SEVERITIES), state: "open", stage: "", tool: "", group: "",
    sort: "severity", down: false, page: 0, open: new Set(), size: PAGE,
  };

  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "class") element.className = value;
      else if (name === "onclick") element.addEventListener("click", value);
      else element.setAttribute(name, value);
    }
    element.append(...children.filter((each) => each !== "" && each !== null));
    return element;
  };
  const badge = (word, kind) => make("span", { class: `badge ${kind || word}-badge` }, word);
  const count = (number) => number.toLocaleString("en");
  const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

  // What stands between backticks is code.
  const prose = (text) => {
    const parts = [];
    let end = 0;
    for (const match of text.matchAll(/(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)/g)) {
      parts.push(text.slice(end, match.index), make("code", null, match[2].trim() || match[2]));
      end = match.index + match[0].length;
    }
    return [...parts, text.slice(end)];
  };

  // Line 0 is the file as a whole.
  const at = (file, line) => (line ? `${file}:${line}` : file);
  const place = (finding) => {
    const where = at(finding.uri, finding.line);
    return linked(finding.extra.cell ? `${where}, ${finding.extra.cell}` : where, finding.encoded, finding.line);
  };
  const link = (address, ...content) => make("a", { href: address, rel: "noreferrer noopener" }, ...content);
  const linked = (label, encoded, line) => {
    const code = make("code", null, label);
    return data.blob && encoded ? link(`${data.blob}/${encoded}${line ? `#L${line}` : ""}`, code) : code;
  };

  let haystacks = null;
  const searchable = (number) => {
    haystacks ??= findings.map((finding) => [
      finding.rule.id, finding.rule.title, finding.message, finding.uri, finding.tools.join(" "), finding.id,
      finding.rule.tags.join(" "), finding.extra.package || "", (finding.extra.aliases || []).join(" "),
      (finding.extra.rules || []).map((each) => names[each]).join(" "),
    ].join("\n").toLowerCase());
    return haystacks[number];
  };

  const KEYS = {
    severity: (finding) => finding.severity,
    finding: (finding) => finding.rule.title,
    where: (finding) => finding.uri,
    stage: (finding) => finding.rule.stage,
    tools: (finding) => finding.tools.join(", "),
    state: (finding) => finding.state,
  };
  const GROUPS = {
    severity: (finding) => SEVERITIES[finding.severity],
    stage: (finding) => finding.rule.stage,
    rule: (finding) => `${finding.rule.id}: ${finding.rule.title}`,
    file: (finding) => finding.uri,
    tools: (finding) => finding.tools.join(", "),
    package: (finding) => finding.extra.package || "no package",
  };

  const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

  const selected = () => {
    const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
    const states = STATES[view.state];
    const rows = [];
    findings.forEach((finding, number) => {
      if (!view.severities.has(SEVERITIES[finding.severity])) return;
      if (states && !states.includes(finding.state)) return;
      if (view.stage && !finding.stages.includes(view.stage)) return;
      if (view.tool && !finding.tools.includes(view.tool)) return;
      if (words.length && !words.every((word) => searchable(number).includes(word))) return;
      rows.push(finding);
    });
    const key = KEYS[view.sort];
    const sign = view.down ? -1 : 1;
    const order = (one, other) => sign * compare(key(one), key(other)) || one.severity - other.severity
      || STATE_ORDER.indexOf(one.state) - STATE_ORDER.indexOf(other.state) || compare(one.uri, other.uri) || one.line - other.line;
    if (!view.group) return { rows: rows.sort(order), groups: null };
    const group = GROUPS[view.group];
    const groups = new Map();
    for (const finding of rows) {
      const name = group(finding);
      const entry = groups.get(name) || { name, rows: [], worst: SEVERITIES.length };
      entry.rows.push(finding);
      entry.worst = Math.min(entry.worst, finding.severity);
      groups.set(name, entry);
    }
    const sorted = [...groups.values()].sort((one, other) => one.worst - other.worst
      || other.rows.length - one.rows.length || compare(one.name, other.name));
    return { rows: sorted.flatMap((entry) => entry.rows.sort(order)), groups };
  };

  const stateText = (finding) => {
    if (finding.state === "waived") return [badge("waived", "plain"), make("div", { class: "quiet" }, `until ${finding.extra.until}`)];
    if (finding.state === "present") return [make("span", { class: "quiet" }, "no baseline")];
    return [finding.state === "new" ? badge("new", "findings") : badge(finding.state, "plain")];
  };

  const row = (finding) => {
    const open = view.open.has(finding.id);
    const { extra } = finding;
    const button = make("button", {
      type: "button", class: "open-row", "aria-expanded": String(open), "data-id": finding.id,
      onclick: () => { if (!view.open.delete(finding.id)) view.open.add(finding.id); show(finding.id); },
    }, finding.rule.title);
    const below = extra.package
      ? `${extra.package} ${extra.installed || ""}${extra.fixed ? ` → ${extra.fixed}` : ""}`
      : finding.message === finding.rule.title ? "" : finding.message;
    const short = below.length > 180 ? `${below.slice(0, 179)}…` : below;
    const more = extra.also ? make("div", { class: "quiet" }, `and ${plural(extra.also.length, "more place")}`) : "";
    const kev = extra.kev ? badge("known exploited", "kev") : "";
    return make("tr", { class: open ? "finding open" : "finding" },
      make("td", null, badge(SEVERITIES[finding.severity])),
      make("td", null, button,
        make("div", { class: "below" }, kev, " ", make("code", null, finding.rule.id), " ", ...prose(short))),
      make("td", { class: "where" }, place(finding), more),
      make("td", { "data-label": "stage" }, finding.stages.join(", ")),
      make("td", { "data-label": "found by" }, finding.tools.join(", ")),
      make("td", null, ...stateText(finding)));
  };

  const waiver = (finding) => {
    const advisory = finding.extra.package && finding.extra.advisory;
    const quote = (text) => JSON.stringify(text);
    const lines = [
      "waivers:",
      advisory ? `  - advisory: ${quote(advisory)}` : `  - rule: ${quote(finding.rule.id)}`,
      `    path: ${quote(finding.uri)}`,
    ];
    if (advisory) lines.push(`    package: ${quote(finding.extra.package)}`);
    return [...lines, "    reason: why it is acceptable, and who says so", `    expires: ${data.expires}`].join("\n");
  };

  const copy = (text) => {
    const button = make("button", { type: "button", onclick: async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Select the text and copy it";
      }
    } }, "Copy");
    return button;
  };

  const detail = (finding) => {
    const { rule, extra } = finding;
    const list = make("dl");
    const add = (name, ...content) => {
      if (content.some((each) => each !== "")) list.append(make("dt", null, name), make("dd", null, ...content));
    };
    add("What", ...prose(finding.message));
    add("Why", ...rule.help.flatMap((each) => make("p", null, ...prose(each))), rule.uri ? link(rule.uri, "Read more") : "");
    add("Fix", ...prose(rule.fix));
    add("Package", extra.package ? `${extra.package} ${extra.installed || ""}, ${extra.fixed ? `fixed in ${extra.fixed}` : "no fixed version known"}` : "");
    add("Severity", `${SEVERITIES[finding.severity]}, ${extra.score}`);
    add("Where", place(finding), ...(extra.also || []).flatMap(([uri, line]) => [make("br"), linked(at(data.files[uri][0], line), data.files[uri][1], line)]));
    add("Found by", `${finding.tools.join(", ")} (stage ${finding.stages.join(", ")})`);
    const all = extra.rules ? extra.rules.map((each) => names[each]) : [rule.id];
    add(all.length > 1 ? "Rules" : "Rule", ...all.flatMap((each) => [make("code", null, each), " "]));
    add("Also known as", (extra.aliases || []).join(", "));
    add("Classes", rule.tags.join(", "));
    add("Suppressed", extra.suppressed ? `in the file: ${extra.suppressed}` : "");
    add("Waived", extra.reason ? `until ${extra.until}: ${extra.reason}` : "");
    add("Fingerprint", make("a", { href: `#finding-${finding.id}` }, make("code", null, finding.id)));
    if (finding.state !== "fixed") {
      const again = extra.again === undefined ? `${data.rerun} --stage ${rule.stage}` : names[extra.again];
      add("See it again", make("pre", null, again), copy(again));
    }
    if (["new", "unchanged", "present"].includes(finding.state)) {
      const snippet = waiver(finding);
      add("Accept it for a while", make("pre", null, snippet), copy(snippet));
    }
    return make("tr", { class: "detail" }, make("td", { colspan: "6" }, list));
  };

  const heading = (entry) => {
    const parts = SEVERITIES.map((name, number) => [name, entry.rows.filter((each) => each.severity === number).length])
      .filter(([, number]) => number).map(([name, number]) => `${count(number)} ${name}`);
    return make("tr", { class: "group" }, make("th", { colspan: "6", scope: "colgroup" },
      `${entry.name} `, make("span", { class: "quiet" }, `${plural(entry.rows.length, "finding")}: ${parts.join(", ")}`)));
  };

  const table = byId("findings");
  const body = table.tBodies[0];

  function show(focus) {
    const { rows, groups } = selected();
    const pages = Math.max(1, Math.ceil(rows.length / view.size));
    view.page = Math.min(view.page, pages - 1);
    const first = view.page * view.size;
    const shown = rows.slice(first, first + view.size);
    const lines = [];
    let previous = null;
    for (const finding of shown) {
      const name = groups && GROUPS[view.group](finding);
      if (groups && name !== previous) lines.push(heading(groups.get(name)));
      previous = name;
      lines.push(row(finding));
      if (view.open.has(finding.id)) lines.push(detail(finding));
    }
    body.replaceChildren(...lines);
    table.hidden = rows.length === 0;
    byId("nothing").hidden = rows.length !== 0;
    byId("nothing").textContent = findings.length ? `No ${view.state === "all" ? "" : `${view.state} `}finding matches.` : "No findings.";
    byId("range").textContent = rows.length ? `${count(first + 1)} to ${count(first + shown.length)} of ${plural(rows.length, "finding")}` : "0 findings";
    for (const [id, off] of [["first", first === 0], ["previous", first === 0], ["next", view.page === pages - 1], ["last", view.page === pages - 1]]) byId(id).disabled = off;
    byId("last").onclick = () => turn(pages - 1);
    for (const each of table.tHead.rows[0].cells) {
      if (each.dataset.key === view.sort) each.setAttribute("aria-sort", view.down ? "descending" : "ascending");
      else each.removeAttribute("aria-sort");
    }
    if (focus) body.querySelector(`[data-id="${CSS.escape(focus)}"]`)?.focus();
  }

  function turn(page) {
    view.page = page;
    show();
    byId("findings-section").scrollIntoView({ block: "start" });
  }
  function change(values) {
    Object.assign(view, values, { page: 0 });
    show();
  }

  const fill = (id, values) => byId(id).append(...values.map((each) => make("option", { value: each }, each)));
  fill("stage", [...new Set(findings.flatMap((each) => each.stages))].sort());
  fill("tool", [...new Set(findings.flatMap((each) => each.tools))].sort());
  for (const id of ["state", "stage", "tool", "group"]) byId(id).addEventListener("change", (event) => change({ [id]: event.target.value }));
  byId("search").addEventListener("input", (event) => change({ text: event.target.value }));
  for (const box of document.querySelectorAll(".chip input")) {
    box.addEventListener("change", () => { view.severities[box.checked ? "add" : "delete"](box.value); change({}); });
  }
  for (const cell of table.tHead.rows[0].cells) {
    const label = cell.textContent;
    cell.replaceChildren(make("button", { type: "button", class: "sort", onclick: () => {
      change({ down: view.sort === cell.dataset.key && !view.down, sort: cell.dataset.key });
    } }, label));
  }
  byId("first").addEventListener("click", () => turn(0));
  byId("previous").addEventListener("click", () => turn(view.page - 1));
  byId("next").addEventListener("click", () => turn(view.page + 1));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      byId("search").focus();
    }
  });
  window.addEventListener("beforeprint", () => { view.size = PRINTED; show(); });
  window.addEventListener("afterprint", () => { view.size = PAGE; show(); });

  // page.html#finding-<fingerprint>, or its beginning, opens that finding.
  const jump = () => {
    const [, start] = location.hash.match(/^#finding-([0-9a-f]{8,})$/) || [];
    const id = start && findings.find((each) => each.id.startsWith(start))?.id;
    if (!id) return;
    view.open.add(id);
    byId("state").value = "all";
    byId("search").value = id;
    change({ text: id, state: "all" });
    body.querySelector(".open-row")?.scrollIntoView({ block: "center" });
  };
  window.addEventListener("hashchange", jump);

  byId("controls").hidden = byId("pager").hidden = findings.length === 0;
  byId("static-note")?.remove();
  show();
  if (location.hash) jump();
  document.documentElement.dataset.ready = "yes";
})();
