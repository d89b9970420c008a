// Forked children that work for a moment, answer what CPU time that took, and are ended by their parent at once, as pools of processes do.
const { fork } = require('child_process');

function price(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.sqrt(i);
  return sum;
}

function answer(ms) {
  const before = process.cpuUsage().user;
  while (process.cpuUsage().user - before < 1000 * ms) price(1e5);
  process.send((process.cpuUsage().user - before) / 1000);
  setInterval(() => {}, 1e6);
}

if (process.argv[2] === 'child') {
  answer(Number(process.argv[3]));
} else {
  const [count, ms] = process.argv.slice(2).map(Number);
  let ended = 0;
  let used = 0;
  const next = () => {
    const child = fork(__filename, ['child', ms]);
    child.on('message', (each) => {
      used += each;
      child.kill('SIGTERM');
    });
    child.on('exit', () => (++ended < count ? next() : console.log(used)));
  };
  next();
}
