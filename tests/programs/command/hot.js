// Half a second of CPU time in `polish`.
function polish(milliseconds) {
  const began = process.cpuUsage();
  let sum = 0;
  for (let used = 0; used < milliseconds * 1000; ) {
    for (let i = 0; i < 1000000; i++) sum += Math.sqrt(i);
    const { user, system } = process.cpuUsage(began);
    used = user + system;
  }
  return sum;
}
polish(500);
console.log('node', ...process.argv.slice(2));
