// A second and a half of CPU time in one function; prints what its own clocks say: the functions, then the process.
'use strict';

const fs = require('fs');

/** In seconds. The kernel brings it up to date for who asks what the process used. */
function used() {
  process.cpuUsage();
  return Number.parseInt(fs.readFileSync('/proc/thread-self/schedstat', 'latin1'), 10) / 1e9;
}

function work(seconds) {
  const until = used() + seconds;
  let sum = 0;
  while (used() < until) {
    for (let i = 0; i < 200_000; i++) sum += Math.sqrt(i);
  }
  return sum;
}

work(1.5);
const { user, system } = process.cpuUsage();
console.log(1.5, (user + system) / 1e6);
