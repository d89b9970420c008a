// Works, blocks in a call and awaits a timer in turn, and prints what its own clocks say of the first two: milliseconds of CPU time, and elapsed.
'use strict';
const { burn, cpuMs } = require('./burn.cjs');

const spent = { works: [0, 0], blocks: [0, 0] };

function noted(name, what) {
  const cpu = cpuMs();
  const at = performance.now();
  what();
  spent[name][0] += cpuMs() - cpu;
  spent[name][1] += performance.now() - at;
}

function blocks() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 90);
}

function works() {
  burn(60);
}

(async () => {
  for (let round = 0; round < 10; round++) {
    noted('works', works);
    noted('blocks', blocks);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  console.log(JSON.stringify(spent));
})();
