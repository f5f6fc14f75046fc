// Search, filters and sorting of the list. Without this script the list is there in pages, newest first.
"use strict";
(() => {
  const data = window.reportgenSite;
  const form = document.querySelector("form.search");
  const table = document.querySelector("table.reports");
  if (!data || !form || !table) return;
  const body = table.tBodies[0];
  const more = document.querySelector(".more");
  const told = form.querySelector("output");
  const STEP = 100;
  const CASES = 4;

  const rows = data.reports.map(([address, title, date, model, warnings, cases], place) => ({
    address, title, date, model, warnings, cases, place,
    result: cases.some((one) => one[4] === false) ? "wrong" : cases.every((one) => one[4] === true) ? "right" : "open",
    text: [title, data.models[model][0], date, ...cases.flatMap((one) => [...one.slice(0, 3), one[5]])].join("\n").toLowerCase(),
  }));
  // "newest first" is how they come
  const order = {
    __proto__: null,
    date: (a, b) => b.place - a.place,
    title: (a, b) => a.title.localeCompare(b.title),
    model: (a, b) => data.models[a.model][0].localeCompare(data.models[b.model][0]),
    result: (a, b) => "wrong open right".indexOf(a.result) - "wrong open right".indexOf(b.result),
  };
  const state = { q: "", model: "", result: "", sort: "date", down: true };
  let found = rows;
  let shown = STEP;

  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const score = (value) => value === null ? "" : ` ${value !== 0 && Math.abs(value) < 0.01 ? Number(value.toPrecision(3)) : value.toFixed(3)}`;

  const outcome = (correct, verdict) => {
    if (correct === null) return element("span", verdict, { class: "verdict unknown" });
    const made = element("span", "", { class: `verdict ${verdict}` });
    made.append(element("span", correct ? "✓" : "✗", { "aria-hidden": "true" }), ` ${verdict}`);
    return made;
  };

  const row = (one) => {
    const made = element("tr");
    const thumbs = element("td", "", { class: "thumbs" });
    for (const [,,,,,, file] of one.cases.slice(0, 2)) {
      if (file) thumbs.append(element("img", "", { src: file, alt: "", width: 72, height: 72, loading: "lazy" }));
    }
    const title = element("th", "", { scope: "row" });
    title.append(element("a", one.title, { href: one.address }));
    if (one.warnings) title.append(" ", element("span", `${one.warnings} warning${one.warnings === 1 ? "" : "s"}`, { class: "tag" }));
    const cases = element("td", "", { class: "cases" });
    const list = element("ul");
    for (const [name, , predicted, value, correct, verdict] of one.cases.slice(0, CASES)) {
      const item = element("li");
      item.append(element("span", name, { class: "label" }), " → ", element("strong", predicted), `${score(value)} `, outcome(correct, verdict));
      list.append(item);
    }
    if (one.cases.length > CASES) list.append(element("li", `and ${one.cases.length - CASES} more`, { class: "label" }));
    cases.append(list);
    const [name, address] = data.models[one.model];
    const model = element("td", "", { class: "model" });
    model.append(element("a", name, { href: address }));
    const date = element("td", "", { class: "date" });
    date.append(element("time", one.date));
    made.append(thumbs, title, cases, model, date);
    return made;
  };

  const draw = () => {
    body.replaceChildren(...found.slice(0, shown).map(row));
    more.hidden = found.length <= shown;
    if (!found.length) {
      const empty = element("tr");
      empty.append(element("td", "Nothing found. Try fewer words, or another filter.", { colspan: 5, class: "empty" }));
      body.append(empty);
    }
    told.textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} reports`;
    for (const head of table.tHead.querySelectorAll("th[data-sort]")) {
      const active = head.dataset.sort === state.sort;
      head.setAttribute("aria-sort", active ? (state.down ? "descending" : "ascending") : "none");
    }
  };

  const search = () => {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    found = rows.filter((one) => words.every((word) => one.text.includes(word))
      && (!state.model || data.models[one.model][1].endsWith(`-${state.model}.html`))
      && (!state.result || (state.result === "warned" ? one.warnings > 0 : one.result === state.result)));
    const compare = order[state.sort] || order.date;
    found.sort((a, b) => (state.down ? -1 : 1) * compare(a, b) || a.place - b.place);
    shown = STEP;
    draw();
  };

  const remember = () => {
    const said = new URLSearchParams();
    for (const key of ["q", "model", "result"]) if (state[key]) said.set(key, state[key]);
    if (state.sort !== "date" || !state.down) said.set("sort", (state.down ? "-" : "") + state.sort);
    history.replaceState(null, "", said.size ? `#${said}` : location.pathname.split("/").pop() || "./");
  };

  const KEYS = ["q", "model", "result", "sort"];
  const recall = () => {
    const said = new URLSearchParams(location.hash.slice(1));
    // an anchor of the page itself says nothing about the search
    if (location.hash.length > 1 && !KEYS.some((key) => said.has(key))) return;
    for (const key of ["q", "model", "result"]) state[key] = said.get(key) || "";
    const sort = said.get("sort") || "-date";
    state.down = sort.startsWith("-");
    state.sort = sort.replace(/^-/, "") in order ? sort.replace(/^-/, "") : "date";
    form.elements.q.value = state.q;
    form.elements.model.value = state.model;
    form.elements.result.value = state.result;
    // what is no choice is none
    for (const key of ["model", "result"]) if (form.elements[key].selectedIndex < 0) form.elements[key].value = state[key] = "";
  };

  data.models.forEach(([name, address]) => {
    form.elements.model.append(element("option", name, { value: address.replace(/^.*-|\.html$/g, "") }));
  });
  for (const head of table.tHead.querySelectorAll("th[data-sort]")) {
    const button = element("button", head.textContent, { type: "button" });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      state.down = state.sort === head.dataset.sort ? !state.down : head.dataset.sort === "date";
      state.sort = head.dataset.sort;
      remember();
      search();
    });
  }
  const changed = () => {
    for (const key of ["q", "model", "result"]) state[key] = form.elements[key].value;
    remember();
    search();
  };
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  more.querySelector("button").addEventListener("click", () => { shown += STEP; draw(); });
  addEventListener("hashchange", () => { recall(); search(); });

  form.hidden = false;
  for (const one of document.querySelectorAll(".pages")) one.hidden = true;
  recall();
  search();
})();
