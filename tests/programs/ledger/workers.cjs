// Two worker threads of 0.8 s of CPU time each.
'use strict';

const { Worker, isMainThread } = require('worker_threads');
const fs = require('fs');

function work(seconds) {
  const ns = () => Number(fs.readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]);
  const until = ns() + seconds * 1e9;
  let sum = 0;
  while (ns() < until) {
    for (let i = 0; i < 2_000_000; i++) sum += Math.sqrt(i);
  }
  return sum;
}

if (isMainThread) {
  let left = 2;
  for (let i = 0; i < 2; i++) {
    new Worker(__filename).on('exit', () => {
      left -= 1;
      if (!left) {
        const { user, system } = process.cpuUsage();
        console.log(1.6, (user + system) / 1e6);
      }
    });
  }
} else {
  work(0.8);
}
