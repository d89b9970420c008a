// Three worker threads and a main thread that all compute, in turns of some length, until each has used the first argument's ms of CPU time.
// Prints what each thread's functions used by its own clock, in ms: { "main": { "first": 0, "second": 0 }, "a": ... }.
'use strict';
const { Worker, isMainThread, parentPort } = require('worker_threads');
const { readFileSync } = require('fs');

const TURN_MS = 50;

function usedMs() {
  return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
}

function waves(x) {
  let sum = 0;
  for (let i = 0; i < 1000; i++) sum += Math.sin(i * x);
  return sum;
}

function until(end, seed) {
  while (usedMs() < end) for (let i = 0; i < 20; i++) waves(i + seed);
}

function first(end) {
  until(end, 1);
}

function second(end) {
  until(end, 2);
}

function work(ms) {
  const used = { first: 0, second: 0 };
  const begun = usedMs();
  for (let turn = 0; usedMs() - begun < ms; turn++) {
    const before = usedMs();
    // A third and two thirds.
    const part = turn % 2 ? second : first;
    part(before + (turn % 2 ? 2 * TURN_MS : TURN_MS));
    used[part.name] += usedMs() - before;
  }
  return used;
}

const ms = Number(process.argv[2]);
if (isMainThread) {
  const used = {};
  let left = 3;
  const end = () => left || console.log(JSON.stringify(used));
  for (const name of ['a', 'b', 'c']) {
    new Worker(__filename, { name, argv: [ms] }).on('message', (its) => {
      used[name] = its;
      left -= 1;
      end();
    });
  }
  setImmediate(() => {
    left += 1;
    used.main = work(ms);
    left -= 1;
    end();
  });
} else {
  parentPort.postMessage(work(ms));
}
