// A second and a half of CPU time in one function; prints what its own clocks say: the functions, then the process.
'use strict';

function work(seconds) {
  const until = process.cpuUsage().user / 1e6 + seconds;
  let sum = 0;
  while (process.cpuUsage().user / 1e6 < until) {
    for (let i = 0; i < 200_000; i++) sum += Math.sqrt(i);
  }
  return sum;
}

work(1.5);
const { user, system } = process.cpuUsage();
console.log(1.5, (user + system) / 1e6);
