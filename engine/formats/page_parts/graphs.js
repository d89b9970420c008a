// The flame graph, which is d3-flame-graph's, with a keyboard; and the timeline.

const flame = { chart: null, here: null, term: "" };

function colour(node) {
  if (node.highlight) return "var(--hit)";
  if (node.data.function < 0) return "var(--panel)";
  const { isOwn, file, name } = functions[node.data.function];
  // Of a run whose folder is known its own functions have colours; else all have their file's.
  if (!isOwn && folder) return "var(--other)";
  let hash = 7;
  for (const one of isOwn ? name + file : file || name) hash = (hash * 31 + one.codePointAt(0)) % 9973;
  return `var(--f${hash % 8})`;
}

function tell(node) {
  const all = flame.root().data.value;
  const place = node.data.function < 0 ? "" : functions[node.data.function].place;
  return `${node.data.name}${place ? `, ${place}` : ""}: ${percent(node.data.value, all)} of ${isTime ? "the time" : "all"}, ${amount(node.data.value)}`;
}

function matches(node, term) {
  if (!term || node.data.function < 0) return false;
  const { name, place } = functions[node.data.function];
  return `${name} ${place}`.toLowerCase().includes(term.toLowerCase());
}

function showFlame() {
  const host = field("flame-chart"), data = makeTree(chosen());
  flame.root = () => d3.select(host).datum();
  flame.here = null;
  if (flame.chart) flame.chart.destroy();
  d3.select(host).on("*", null);
  flame.chart = d3.flamegraph()
    .cellHeight(22).minFrameSize(1).inverted(true).transitionDuration(0).resetHeightOnZoom(true)
    .width(Math.max(280, host.clientWidth))
    .getName((node) => node.data.name)
    .setLabelHandler(tell)
    .setColorMapper(colour)
    .setSearchMatch(matches)
    .setDetailsHandler((text) => { if (text) field("flame-told").textContent = text; })
    .setSearchHandler((found, sum, all) => {
      field("flame-found").textContent = flame.term ? `${found.length} found, ${percent(sum, all)} of ${isTime ? "the time" : "all"}` : "";
    })
    .onClick((node) => { flame.here = node; dress(); });
  d3.select(host).datum(data).call(flame.chart);
  search();
}

// What readers of the tree need to know of each frame.
function dress() {
  const host = field("flame-chart");
  let front = "";
  // Else the tree's frames would be parts of a picture to it, and no items.
  host.querySelector("svg").setAttribute("role", "group");
  d3.select(host).selectAll("g.frame").each(function (node) {
    this.id = `frame-${node.id}`;
    this.setAttribute("role", "treeitem");
    this.setAttribute("aria-level", node.depth + 1);
    this.setAttribute("aria-label", tell(node));
    this.classList.toggle("hit", Boolean(node.highlight));
    this.classList.toggle("here", node === flame.here);
    if (node === flame.here) front = this.id;
  });
  if (front) host.setAttribute("aria-activedescendant", front);
  else host.removeAttribute("aria-activedescendant");
}

function search() {
  flame.term = field("flame-search").value;
  if (flame.term) flame.chart.search(flame.term);
  else {
    flame.chart.clear();
    field("flame-found").textContent = "";
  }
  dress();
}

const isSeen = (node) => node && node.value > 0 && !node.data.hide;

function step(key) {
  const here = flame.here || flame.root();
  const beside = (by) => {
    const row = (here.parent ? here.parent.children : [here]).filter(isSeen);
    return row[row.indexOf(here) + by];
  };
  return { ArrowDown: () => (here.children || []).find(isSeen), ArrowUp: () => here.parent, ArrowRight: () => beside(1), ArrowLeft: () => beside(-1), Home: flame.root }[key]?.();
}

function onFlameKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Enter" && flame.here) flame.chart.zoomTo(flame.here);
  else if (event.key === "Escape") flame.chart.resetZoom();
  else if (["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Home"].includes(event.key)) {
    flame.here = step(event.key) || flame.here || flame.root();
    field("flame-told").textContent = tell(flame.here);
    dress();
    document.getElementById(`frame-${flame.here.id}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  } else return;
  event.preventDefault();
}

const course = ours.course && ours.course.points.length ? ours.course : null;
const SVG = "http://www.w3.org/2000/svg";

function svg(kind, attributes) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function showTimeline() {
  if (!course) return;
  field("timeline").hidden = false;
  const points = course.points, last = points[points.length - 1];
  const end = Math.max(last[0] + last[1], 1e-3), most = Math.max(1, ...points.map((point) => point[2]));
  const x = (at) => (1000 * at) / end, y = (cores) => 100 - (95 * cores) / most;
  const outline = points.map(([at, duration, cores]) => `H${x(at)}V${y(cores)}H${x(at + duration)}`).join("");
  const picture = svg("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img" });
  picture.setAttribute("aria-label", `Busy cores over ${inSeconds(end)}, at most ${most.toFixed(1)}`);
  const shade = svg("rect", { class: "range", y: 0, height: 100, width: 0 });
  picture.append(svg("path", { class: "cores", d: `M0 100${outline}V100Z` }), shade);
  for (const [, at] of ours.course.marks) picture.append(svg("line", { class: "mark", x1: x(at), x2: x(at), y1: 0, y2: 100 }));
  const axis = element("div", undefined, "axis");
  axis.append(...[0, 0.25, 0.5, 0.75, 1].map((part) => element("span", inSeconds(part * end))));
  field("timeline-chart").append(picture, axis);
  field("marks").append(...ours.course.marks.map(([name, at]) => element("li", `▏ ${clean(name)}, ${at.toFixed(1)} s`)));

  const point = (from, to) => {
    shade.setAttribute("x", x(from));
    shade.setAttribute("width", from <= 0 && to >= end ? 0 : Math.max(0, x(to) - x(from)));
    field("range-from").value = from.toFixed(1);
    field("range-to").value = to.toFixed(1);
  };
  // Where the run says when its samples were taken, the whole page counts the stretch; else one table knows of it.
  const show = (from, to) => {
    point(from, to);
    if (!slices.length) return showRange(from, to);
    chooseRange(from, to);
    showAgain();
  };
  const typed = () => show(Math.max(0, Number(field("range-from").value) || 0), Math.min(end, Number(field("range-to").value) || end));
  field("range-from").onchange = field("range-to").onchange = typed;
  field("range-all").onclick = field("range-none").onclick = () => show(0, end);
  const atOf = (event) => {
    const box = picture.getBoundingClientRect();
    return Math.min(end, Math.max(0, (end * (event.clientX - box.left)) / box.width));
  };
  let began = null;
  picture.onpointerdown = (event) => { began = atOf(event); picture.setPointerCapture(event.pointerId); };
  picture.onpointermove = (event) => { if (began !== null) point(Math.min(began, atOf(event)), Math.max(began, atOf(event))); };
  picture.onpointerup = (event) => {
    if (began !== null) show(Math.min(began, atOf(event)), Math.max(began, atOf(event)));
    began = null;
  };
  picture.onpointercancel = () => { began = null; };
  point(0, end);
  if (!slices.length) showRange(0, end);
}

function showRange(from, to) {
  const sums = new Map();
  let samples = 0;
  for (const [at, duration, , n, held] of course.points) {
    if (at + duration <= from || at >= to) continue;
    samples += n;
    for (let i = 0; i < held.length; i += 2) sums.set(held[i], (sums.get(held[i]) || 0) + held[i + 1]);
  }
  const hottest = [...sums].sort((one, other) => other[1] - one[1]).slice(0, 15);
  const rows = hottest.map(([each, n]) => {
    const [name, file, line] = course.functions[each];
    const shown = folder && file.startsWith(folder) ? file.slice(folder.length) : file;
    return [percent(n, samples), bar(n, samples), element("span", clean(name), "name"), clean(line && shown ? `${shown}:${line}` : shown)];
  });
  fill(field("range-table"), `Running from ${from.toFixed(1)} to ${to.toFixed(1)} s, on all threads: ${samples} samples.`,
    [["Self", "number"], ["", "bar"], ["Function", ""], ["Place", "place"]], rows);
}
