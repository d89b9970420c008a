// node speedscope_import.cjs RELEASE FILE: what speedscope itself makes of FILE, as JSON.
//
// RELEASE is the folder of the npm package's bundle. The bundle is a web page's script: its importer is taken out of it
// before the page would be built, and what it touches of a browser until then are dummies.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const [release, file] = process.argv.slice(2);
const name = fs.readdirSync(release).find((entry) => /^speedscope-.*\.js$/.test(entry));
const bundle = fs.readFileSync(path.join(release, name), "utf8");
const importer = /async function ([\w$]+)\(\w,\w\)\{return\(await [\w$]+\)\.importProfilesFromArrayBuffer/.exec(bundle)[1];
const end = bundle.lastIndexOf("console.log(`speedscope v");

const dummy = new Proxy(function () {}, {
  get: (_, key) => (key === Symbol.toPrimitive ? () => "" : dummy),
  set: () => true,
  apply: () => dummy,
  construct: () => dummy,
});
Object.assign(globalThis, {
  window: globalThis,
  document: dummy,
  localStorage: dummy,
  location: { hash: "", search: "", protocol: "https:", href: "https://localhost/" },
  addEventListener: () => {},
  requestAnimationFrame: () => 0,
});
console.log = () => {};
vm.runInThisContext(`${bundle.slice(0, end)}globalThis.importBuffer=${importer};})();`, { filename: name });

const bytes = fs.readFileSync(file);
importBuffer(path.basename(file), bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)).then((group) => {
  const profiles = group.profiles.map((profile) => {
    const frames = [];
    profile.forEachFrame((frame) => {
      frames.push({
        name: frame.name,
        file: frame.file ?? "",
        line: frame.line ?? 0,
        self: frame.getSelfWeight(),
        total: frame.getTotalWeight(),
      });
    });
    return { name: profile.getName(), unit: profile.getWeightUnit(), total: profile.getTotalWeight(), frames };
  });
  process.stdout.write(JSON.stringify({ name: group.name, profiles }));
});
