// The run in the page, and what is counted of it. Seconds throughout, of samples by their period; of what is no time its own unit.

const page = JSON.parse(document.getElementById("run").textContent);
const ours = page.run.multi_lang_profiler;
const folder = ours.working_folder ? ours.working_folder.replace(/\/$/, "") + "/" : "";
const NANOSECONDS_HZ = 1e9; // where times were told and no samples counted
const OUTSIDE = /\/(site-packages|dist-packages|node_modules|venv|\.venv)\//;

// Names are others' text: what no reader sees, or what turns its neighbours round, is shown as its number.
function clean(text) {
  return String(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0).toString(16)}}`);
}

const functions = page.run.shared.frames.map((frame) => {
  const file = frame.file || "";
  const shown = folder && file.startsWith(folder) ? file.slice(folder.length) : file;
  const isOwn = Boolean(folder) && file.startsWith(folder) && !OUTSIDE.test(file);
  const place = shown && frame.line ? `${shown}:${frame.line}` : shown;
  return { name: clean(frame.name), place: clean(place), file, line: frame.line || 0, isOwn };
});

const threads = page.run.profiles.map((profile, at) => ({
  name: clean(profile.name),
  seconds: profile.weights.reduce((sum, weight) => sum + weight, 0),
  profile,
  lines: ours.lines[at] || [],
}));
// Stacks are numbered over all threads; what was counted when goes by these numbers.
threads.reduce((first, thread) => { thread.first = first; return first + thread.profile.samples.length; }, 0);

const slices = ours.slices || [];
// Of the stretch of time that is chosen: its edges, and each stack's seconds by number; null of the whole run.
let range = null;

function chooseRange(from, to) {
  // Those whose middle is in it; of a range shorter than one, the one that it is in.
  const middle = (from + to) / 2;
  let held = slices.filter(([at, duration]) => at + duration / 2 >= from && at + duration / 2 < to);
  if (!held.length) held = slices.filter(([at, duration]) => at <= middle && middle < at + duration);
  if (held.length === slices.length) {
    range = null;
    return;
  }
  const seconds = new Map();
  for (const [, , , pairs] of held) {
    for (let i = 0; i < pairs.length; i += 2) seconds.set(pairs[i], (seconds.get(pairs[i]) || 0) + pairs[i + 1] / ours.rate_hz);
  }
  const last = held[held.length - 1];
  range = held.length ? { from: held[0][0], to: last[0] + last[1], seconds } : { from, to, seconds };
}

// Each stack of the threads chosen, in the range chosen: functions and lines, root first, and its seconds.
function* stacksOf(chosen) {
  for (const { profile, lines, first } of chosen) {
    for (let at = 0; at < profile.samples.length; at++) {
      const seconds = range ? range.seconds.get(first + at) : profile.weights[at];
      if (seconds) yield [profile.samples[at], lines[at] || [], seconds];
    }
  }
}

function countFunctions(chosen) {
  const own = new Float64Array(functions.length);
  const total = new Float64Array(functions.length);
  let all = 0;
  for (const [stack, , seconds] of stacksOf(chosen)) {
    all += seconds;
    if (stack.length) own[stack[stack.length - 1]] += seconds;
    for (const each of new Set(stack)) total[each] += seconds;
  }
  return { own, total, all };
}

function makeTree(chosen) {
  const root = { function: -1, name: "all", value: 0, below: new Map() };
  for (const [stack, , seconds] of stacksOf(chosen)) {
    let node = root;
    node.value += seconds;
    for (const each of stack) {
      let next = node.below.get(each);
      if (!next) {
        next = { function: each, name: functions[each].name, value: 0, below: new Map() };
        node.below.set(each, next);
      }
      next.value += seconds;
      node = next;
    }
  }
  const waiting = [root];
  for (let node; (node = waiting.pop()); ) {
    node.children = [...node.below.values()].sort((one, other) => other.value - one.value);
    delete node.below;
    waiting.push(...node.children);
  }
  return root;
}

// For each line of a file its own seconds and those with it anywhere on the stack.
function heatOf(file, chosen) {
  const heat = new Map();
  const add = (line, own, total) => {
    const known = heat.get(line) || { own: 0, total: 0 };
    heat.set(line, { own: known.own + own, total: known.total + total });
  };
  for (const [stack, lines, seconds] of stacksOf(chosen)) {
    const seen = new Set();
    stack.forEach((each, at) => {
      const line = lines[at];
      if (!line || functions[each].file !== file) return;
      const isLeaf = at === stack.length - 1;
      if (isLeaf || !seen.has(line)) add(line, isLeaf ? seconds : 0, seen.has(line) ? 0 : seconds);
      seen.add(line);
    });
  }
  return heat;
}

// What is counted: time, or of heap profiles and the like bytes, or pieces.
const unit = page.run.profiles[0].unit;
const isTime = unit === "seconds";
const amount = (value) => (isTime ? inSeconds(value) : `${Math.round(value).toLocaleString("en")}${unit === "bytes" ? " bytes" : ""}`);
const percent = (part, all) => (all ? `${((100 * part) / all).toFixed(1)}%` : "");
const inSeconds = (seconds) =>
  seconds >= 10 ? `${seconds.toFixed(1)} s` : seconds >= 0.1 ? `${seconds.toFixed(2)} s` : seconds ? `${(1000 * seconds).toPrecision(2)} ms` : "0 s";

function element(kind, text, name) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}
