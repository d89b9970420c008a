// Burns in sections that it times itself, blocks in a system call between them, and prints the CPU milliseconds of each.
'use strict';
const { execFileSync } = require('child_process');
const { burn, cpuMs } = require('./burn.cjs');

function light(n) {
  let x = 0;
  for (let i = 0; i < n; i++) {
    x += i % 7;
  }
  return x;
}

function heavy(n) {
  let x = 0;
  for (let i = 0; i < n; i++) {
    x += Math.sqrt(i) % 3;
  }
  return x;
}

function wait() {
  execFileSync('sleep', ['0.1']);
}

const spent = { light: 0, heavy: 0, wait: 0 };
function timed(name, work) {
  const before = cpuMs();
  work();
  spent[name] += cpuMs() - before;
}

for (let round = 0; round < 6; round++) {
  timed('light', () => burn(60, light));
  timed('wait', wait);
  timed('heavy', () => burn(180, heavy));
  timed('wait', wait);
}
console.log(JSON.stringify(spent));
