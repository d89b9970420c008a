// counts its start in a file, says a line on either stream, works for a moment, and ends as it is told: subject.cjs LOG 7|kill|wait
const fs = require("node:fs");

fs.appendFileSync(process.argv[2], `${process.pid}\n`);
for (const descriptor of [1, 2]) {
  try {
    fs.writeSync(descriptor, Buffer.from(`to ${descriptor} \xff\n`, "latin1"));
  } catch {}
}
const until = performance.now() + 150;
while (performance.now() < until) Math.sqrt(until);
if (process.argv[3] === "wait") setTimeout(() => {}, 60_000);
else if (process.argv[3] === "kill") process.kill(process.pid, "SIGTERM");
else process.exitCode = Number(process.argv[3]);
