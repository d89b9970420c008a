// Puts the page together.

function field(id) {
  return document.getElementById(id);
}

function chosen() {
  const at = field("thread").value;
  return at === "" ? threads : [threads[Number(at)]];
}

function showFacts() {
  const samples = Math.round(threads.reduce((sum, thread) => sum + thread.seconds, 0) * ours.rate_hz);
  const counted = ours.rate_hz === NANOSECONDS_HZ || !isTime ? "" : `${samples} samples at ${ours.rate_hz} Hz`;
  const mode = isTime ? `${ours.mode === "wall" ? "all" : "CPU"} time` : clean(ours.mode);
  const lost = ours.lost_samples ? `${ours.lost_samples} lost` : "";
  const began = new Date(ours.began_at).toISOString().replace("T", " ").slice(0, 19) + " UTC";
  const labels = Object.entries(ours.labels).map(([name, value]) => clean(`${name}=${value}`));
  const told = [clean(ours.language), began, isTime ? inSeconds(ours.duration_secs) : "", mode, counted, lost, ...labels];
  field("facts").textContent = told.filter(Boolean).join(" · ");
}

function offerThreads() {
  const all = element("option", threads.length === 1 ? threads[0].name : `all ${threads.length}`);
  all.value = "";
  field("thread").append(all);
  if (threads.length === 1) return;
  threads.forEach((thread, at) => {
    const option = element("option", `${thread.name}, ${amount(thread.seconds)}`);
    option.value = at;
    field("thread").append(option);
  });
}

function offerParts() {
  for (const section of document.querySelectorAll("main section:not([hidden])")) {
    const link = element("a", section.querySelector("h2").textContent);
    link.href = `#${section.id}`;
    field("parts").append(link);
  }
}

// Light or dark as the system has it, until the button says otherwise.
const system = matchMedia("(prefers-color-scheme: dark)");
let isOther = false;
function showTheme() {
  const isDark = system.matches !== isOther;
  document.documentElement.classList.toggle("dark", isDark);
  document.documentElement.style.colorScheme = isDark ? "dark" : "light";
  field("theme").setAttribute("aria-pressed", String(isOther));
}
system.addEventListener("change", showTheme);
field("theme").onclick = () => { isOther = !isOther; showTheme(); };

showTheme();
showFacts();
offerThreads();
showSources();
showFunctions();
showTimeline();
showDiff();
showCpu();
offerParts();
showFlame();

field("filter").oninput = field("own").onchange = showFunctions;
// What is counted has changed: other threads, or another stretch of time.
function showAgain() {
  const told = range ? `Counted: ${range.from.toFixed(1)} to ${range.to.toFixed(1)} s` : "";
  field("range-told").textContent = told;
  field("range-none").hidden = !range;
  showFunctions();
  showFlame();
  if (field("file").value) showSource(field("file").value);
}
field("thread").onchange = showAgain;
field("flame-search").oninput = search;
field("flame-reset").onclick = () => { flame.here = null; flame.chart.resetZoom(); };
field("flame-chart").onkeydown = onFlameKey;
field("own").parentElement.hidden = !folder;
// As wide as there is room, also when a scroll bar comes or the window changes.
new ResizeObserver(() => {
  const room = Math.max(280, field("flame-chart").clientWidth);
  if (room === flame.chart.width()) return;
  flame.chart.width(room).update();
  dress();
}).observe(field("flame-chart"));
