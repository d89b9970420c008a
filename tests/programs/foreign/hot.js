function inner(n) { let sum = 0; for (let i = 0; i < n; i++) sum += Math.sqrt(i); return sum; }
function hot() { return inner(3e5); }
function warm() { return [...Array(2e4).keys()].map((i) => ({ i, text: `x${i}` })).filter((o) => o.i % 3).length; }
const kept = [];
for (const until = Date.now() + 1500; Date.now() < until; ) { hot(); warm(); kept.push(new Array(1000).fill(kept.length)); }
