// Tables: hot functions, a stretch of time, what changed, source, the ledger.

// Fill a table: headings as [text, class], rows as lists of cells, a cell being a text or an element.
function fill(table, caption, headings, rows) {
  const head = element("thead"), body = element("tbody"), line = element("tr");
  headings.forEach(([heading, name, sort]) => {
    const cell = element("th", undefined, name);
    cell.scope = "col";
    if (sort) {
      const button = element("button", heading);
      button.type = "button";
      button.onclick = sort.choose;
      cell.append(button);
      if (sort.order) cell.setAttribute("aria-sort", sort.order);
    } else cell.textContent = heading;
    line.append(cell);
  });
  head.append(line);
  for (const row of rows) {
    const made = element("tr");
    row.forEach((cell, at) => {
      const held = element("td", undefined, headings[at][1]);
      held.append(cell);
      made.append(held);
    });
    body.append(made);
  }
  table.replaceChildren(element("caption", caption), head, body);
}

function bar(part, all) {
  const made = element("span");
  made.style.width = `${all ? (100 * part) / all : 0}%`;
  return made;
}

function nameCell(each) {
  const { name, file } = functions[each];
  if (!(file in page.sources)) return element("span", name, "name");
  const button = element("button", name, "name");
  button.type = "button";
  button.title = "Open its source";
  button.onclick = () => showSource(file, functions[each].line);
  return button;
}

const ROWS = 500;
const columns = { own: "Self", total: "Total", name: "Function" };
const order = { by: "own", descending: true };

function showFunctions() {
  const { own, total, all } = countFunctions(chosen());
  const term = field("filter").value.toLowerCase(), ownOnly = field("own").checked;
  const found = functions
    .map((each, at) => at)
    .filter((at) => total[at] > 0 && (!ownOnly || functions[at].isOwn))
    .filter((at) => `${functions[at].name} ${functions[at].place}`.toLowerCase().includes(term));
  const value = { own: (at) => own[at], total: (at) => total[at] }[order.by];
  found.sort((one, other) => (value ? value(other) - value(one) : functions[one].name < functions[other].name ? 1 : -1));
  if (!order.descending) found.reverse();
  const sorts = Object.keys(columns).map((by) => ({
    order: order.by === by ? (order.descending ? "descending" : "ascending") : "",
    choose: () => {
      order.descending = order.by === by ? !order.descending : by !== "name";
      order.by = by;
      showFunctions();
      document.querySelector("#functions-table th[aria-sort] button").focus();
    },
  }));
  const rows = found.slice(0, ROWS).map((at) => [
    percent(own[at], all), bar(own[at], all), percent(total[at], all), nameCell(at), functions[at].place,
  ]);
  const headings = [
    [columns.own, "number", sorts[0]], ["", "bar"], [columns.total, "number", sorts[1]], [columns.name, "", sorts[2]], ["Place", "place"],
  ];
  const self = isTime ? "the function itself was running" : "the function itself";
  const caption = `Self: ${self}. Total: it was anywhere on the stack. Of ${amount(all)}.`;
  fill(field("functions-table"), caption, headings, rows);
  field("functions-told").textContent =
    found.length > ROWS ? `${ROWS} of ${found.length} functions` : `${found.length} function${found.length === 1 ? "" : "s"}`;
}

function showDiff() {
  const diff = page.diff;
  if (!diff) return;
  field("diff").hidden = false;
  const changed = diff.rows.filter((row) => !row.noise);
  field("diff-told").textContent =
    `${clean(diff.before)} against ${clean(diff.after)}: shares of each run's samples, changes in percentage points. ` +
    `${diff.rows.length - changed.length} functions differ no more than by chance.`;
  const share = (part) => (part === null ? "–" : `${part.toFixed(1)}%`);
  const change = (points) => element("span", (points > 0 ? "+" : "") + points.toFixed(1), points > 0 ? "bad" : "good");
  const rows = changed.map((row) => [
    share(row.before), share(row.after), change(row.change), change(row.total), element("span", clean(row.name), "name"),
    clean(row.place), row.word,
  ]);
  const headings = [["Before", "number"], ["After", "number"], ["Change", "number"], ["Of total", "number"], ["Function", ""], ["Place", "place"], ["", ""]];
  fill(field("diff-table"), "Most changed first.", headings, rows);
}

function showCpu() {
  if (!page.cpu) return;
  field("cpu").hidden = false;
  const { all, functions: attributed, parts } = page.cpu;
  const rows = [["in functions", attributed], ...parts].map(([name, seconds]) => [
    percent(seconds, all), bar(seconds, all), inSeconds(seconds), clean(name),
  ]);
  fill(field("cpu-table"), `CPU time of the whole process tree, as the kernel counts it: ${inSeconds(all)}.`,
    [["Share", "number"], ["", "bar"], ["Time", "number"], ["What", ""]], rows);
}

function showSources() {
  const files = Object.keys(page.sources);
  if (!files.length) return;
  field("sources").hidden = false;
  for (const file of files) {
    const option = element("option", clean(folder && file.startsWith(folder) ? file.slice(folder.length) : file));
    option.value = file;
    field("file").append(option);
  }
  field("file").onchange = () => showSource(field("file").value);
  showSource(files[0]);
}

function showSource(file, line) {
  field("file").value = file;
  const heat = heatOf(file, chosen());
  const all = countFunctions(chosen()).all;
  const most = Math.max(...[...heat.values()].map((each) => each.own), 1e-9);
  const rows = page.sources[file].split("\n").map((text, at) => {
    const known = heat.get(at + 1);
    return [known && known.own ? percent(known.own, all) : "", known ? percent(known.total, all) : "", String(at + 1),
      text.replace(/[^\P{C}\t]|[\p{Zl}\p{Zp}]/gu, clean)];
  });
  fill(field("source-table"), `${field("file").selectedOptions[0].textContent}, as it was when the page was made. Total: with the line anywhere on the stack.`,
    [["Self", "number"], ["Total", "number"], ["Line", "number"], ["", "text"]], rows);
  const made = field("source-table").tBodies[0].rows;
  for (const [number, { own }] of heat) {
    if (own && made[number - 1]) made[number - 1].style.background = `rgba(var(--heat), ${0.08 + (0.42 * own) / most})`;
  }
  if (line && made[line - 1]) {
    field("sources").scrollIntoView();
    field("sources").focus();
    made[line - 1].scrollIntoView({ block: "center" });
  }
}
