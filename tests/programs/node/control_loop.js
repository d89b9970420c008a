// A loop that ticks as often as its argument says, in Hz: each tick works 1.5 ms in each of two functions and waits for the next one.
'use strict';
const periodMs = 1000 / Number(process.argv[2]);
function spin(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
function readSensors() {
  spin(1.5);
}
function steer() {
  spin(1.5);
}
let due = performance.now();
const end = due + Number(process.argv[3]);
(function tick() {
  if (due > end) return;
  readSensors();
  steer();
  due += periodMs;
  setTimeout(tick, Math.max(0, due - performance.now()));
})();
