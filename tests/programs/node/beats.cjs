// Each period works for DUTY of it, in the functions part0, part1, … by their SHARES, and waits for the next one; prints the CPU time of
// each, in ms, by the thread's own clock: beats.cjs PERIOD_MS SECONDS SHARES DUTY (10 5 20,60,20 0.3).
const fs = require('fs');

const [periodMs, seconds] = process.argv.slice(2, 4).map(Number);
const shares = process.argv[4].split(',').map(Number);
const duty = Number(process.argv[5]);
const file = fs.openSync('/proc/thread-self/schedstat');
const buffer = Buffer.alloc(96);

/** In ms. The kernel brings it up to date for who asks what the process used. */
function usedMs() {
  process.cpuUsage();
  return Number.parseInt(buffer.latin1Slice(0, fs.readSync(file, buffer, 0, 96, 0)), 10) / 1e6;
}

function work(rounds) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) sum += Math.sin(i);
  return sum;
}

let roundsPerMs = 0;
for (let i = 0; i < 100; i++) {
  const before = usedMs();
  work(20_000);
  roundsPerMs = Math.max(roundsPerMs, 20_000 / (usedMs() - before));
}
const whole = shares.reduce((sum, share) => sum + share);
// The last three do nothing: where a call goes to more than four functions, V8 inlines none of them.
const parts = [...shares, 0, 0, 0].map((share, number) => {
  const rounds = Math.round((roundsPerMs * periodMs * duty * share) / whole);
  return new Function('work', `return function part${number}() { work(${rounds}); }`)(work);
});
const spentMs = parts.map(() => 0);
let due = performance.now();
const end = due + 1000 * seconds;
(function beat() {
  if (due > end) {
    console.log(JSON.stringify(Object.fromEntries(shares.map((_, number) => [`part${number}`, spentMs[number]]))));
    return;
  }
  let before = usedMs();
  parts.forEach((part, number) => {
    part();
    const after = usedMs();
    spentMs[number] += after - before;
    before = after;
  });
  due += periodMs;
  setTimeout(beat, Math.max(0, due - performance.now()));
})();
