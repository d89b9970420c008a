// Two worker threads, one after the other, and one that is terminated in the middle of its work.
'use strict';
const { Worker, isMainThread, workerData } = require('worker_threads');
const { burn } = require('./burn.cjs');

function spin(ms) {
  return burn(ms);
}

async function main() {
  for (const name of ['first', 'second']) {
    await new Promise((resolve) => new Worker(__filename, { workerData: 300, name }).on('exit', resolve));
  }
  const endless = new Worker(__filename, { workerData: 60_000 });
  endless.on('message', async () => {
    await endless.terminate();
    console.log('terminated');
  });
}

if (isMainThread) {
  main();
} else {
  spin(300);
  if (workerData > 300) {
    require('worker_threads').parentPort.postMessage('busy');
    spin(workerData);
  }
}
