// Burns 600 ms, then ends in the way its argument names.
'use strict';
const { burn } = require('./burn.cjs');

const ways = {
  return() {},
  exit: () => process.exit(3),
  throw() {
    throw new Error('the end');
  },
  reject: () => Promise.reject(new Error('the end')),
  handled: () => process.kill(process.pid, 'SIGTERM'),
  wait: () => setInterval(() => {}, 1000),
};

process.on('exit', (code) => console.log('exit', code));
if (process.argv[2] === 'handled') {
  process.on('SIGTERM', () => process.exit(5));
  setTimeout(() => {}, 60_000);
}
burn(Number(process.argv[3] ?? 600));
console.log('burnt');
ways[process.argv[2]]();
