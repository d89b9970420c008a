// Worker threads that compute, and end in the way the first argument names: `return`, `terminate` in the middle of their work, or
// `answer`, after which they are terminated while they end by themselves.
// The main thread waits, or with `block` sits in one native call meanwhile. Prints the CPU time that each worker used, in ms.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { readFileSync } = require('fs');

const [, , how, number, ms, main] = process.argv;

function inner(x) {
  let sum = 0;
  for (let i = 0; i < 1000; i++) sum += Math.sin(i * x);
  return sum;
}

function outer(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += inner(i);
  return sum;
}

function usedMs() {
  return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
}

async function start(index, used) {
  const worker = new Worker(__filename, { argv: process.argv.slice(2), workerData: { index, used } });
  if (how === 'terminate') {
    await new Promise((resolve) => setTimeout(resolve, Number(ms)));
    await worker.terminate();
  } else {
    worker.on('message', () => worker.terminate());
    await new Promise((resolve) => worker.on('exit', resolve));
  }
}

if (isMainThread) {
  const used = new Float64Array(new SharedArrayBuffer(8 * Number(number)));
  Promise.all(Array.from(used, (_, index) => start(index, used))).then(() => console.log(JSON.stringify(Array.from(used))));
  if (main === 'block') {
    require('crypto').pbkdf2Sync('a', 'b', 1_000_000, 64, 'sha512');
  }
} else {
  const { index, used } = workerData;
  const before = usedMs();
  do {
    outer(1000);
    used[index] = usedMs() - before;
  } while (how === 'terminate' || used[index] < Number(ms));
  if (how === 'answer') parentPort.postMessage('done');
}
