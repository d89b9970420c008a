// A second in a child of Node.js, half a second here, and children too short for a sampler; prints what the clocks say: the functions, then all.
'use strict';

const { execFileSync, fork } = require('child_process');
const fs = require('fs');

function work(seconds) {
  const until = process.cpuUsage().user / 1e6 + seconds;
  let sum = 0;
  while (process.cpuUsage().user / 1e6 < until) {
    for (let i = 0; i < 200_000; i++) sum += Math.sqrt(i);
  }
  return sum;
}

function usedByAll() {
  // proc_pid_stat(5): utime, stime, and those of the children that were waited for, in hundredths of a second.
  const fields = fs.readFileSync('/proc/self/stat', 'utf8').replace(/.*\) /s, '').split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) / 100, 0);
}

if (process.argv[2]) {
  work(1);
} else {
  for (let i = 0; i < 6; i++) execFileSync('sh', ['-c', 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done']);
  work(0.5);
  fork(__filename, ['child']).on('exit', () => console.log(1.5, usedByAll()));
}
