// node datadog.js PACKAGE PROGRAM: runs PROGRAM under @datadog/pprof and writes wall.pb.gz.
const [, , folder, program] = process.argv;
const { encode, time } = require(folder);
time.start({ intervalMicros: 5000 });
require(program);
encode(time.stop()).then((packed) => require("node:fs").writeFileSync("wall.pb.gz", packed));
