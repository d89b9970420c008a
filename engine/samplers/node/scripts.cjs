'use strict';

// What the scripts of a thread are made from. Loaders that compile on the fly (ts-node, swc, babel, vite) name a script by its source file,
// though its lines are others, and keep the source map to themselves: it stands at the end of what they compiled. V8 tells of that
// when a debugger is attached, which stops the thread for 20 ms or, the first time, for up to 200 ms. So that is done for a moment,
// where a file is seen not to be what runs, and seldom.

const fs = require('fs');
const { findSourceMap } = require('module');
const path = require('path');
const { fileURLToPath } = require('url');
const { nowUs, withoutContents } = require('./board.cjs');

// V8 writes the query that a loader added to a path as `%3F`.
const MAPPED = /\.(ts|mts|cts|tsx|jsx)(\?|%3F|$)/;
const BY_SCHEME = /^(?!node:|data:|file:|wasm:)[a-z][a-z-]*:/; // webpack-internal:, as bundlers that eval modules name them
const MAX_FILE_BYTES = 1_000_000;
const MAX_LOOKS = 20;
const LOOK_SHARE = 0.02; // of the time since the last one
const MAX_APART_US = 5e6;
const MAX_TESTED = 20_000;
const IDENTIFIER = /^[\w$]+$/;
const LAST_WORD = /([\w$]+)$/;
// Words that may stand before the parameters of a function of another name.
const KEYWORDS = new Set(
  'function async constructor return yield await default typeof void else do in of case throw new delete instanceof'.split(' ')
);

class Scripts {
  constructor() {
    this.asked = new Set(); // URLs whose map Node.js was asked for
    this.settled = new Set(); // URLs that are no question any more
    this.tested = new Set(); // functions whose place was looked up
    this.moved = new Set(); // URLs that wait for a look
    this.looks = 0;
    this.nextLookUs = 0;
  }

  /** URLs of a window's frames whose source map Node.js may have, each once. */
  unasked(frames) {
    const urls = new Set(frames.map(([, url]) => url).filter((url) => MAPPED.test(url) && !this.asked.has(url)));
    urls.forEach((url) => this.asked.add(url));
    return urls;
  }

  settle(url) {
    this.settled.add(url);
  }

  /** Of a window's frames the URLs of scripts that are not what stands in their files, as far as functions show it; those that were not known. */
  newlyMoved(frames) {
    const found = [];
    const texts = new Map();
    for (const [name, url, line, column] of frames) {
      const key = `${url}:${line}:${column}`;
      if (!url || line < 0 || (line === 0 && column <= 0) || this.settled.has(url) || this.tested.has(key) || this.moved.has(url)) {
        continue;
      }
      if (this.tested.size < MAX_TESTED) {
        this.tested.add(key);
      }
      let isMoved = BY_SCHEME.test(url);
      if (/^(\/|file:)/.test(url) && !url.includes('/node_modules/')) {
        if (!texts.has(url)) {
          texts.set(url, linesOf(url));
        }
        const text = texts.get(url);
        isMoved = text !== undefined && !isThere(text[line], column, name);
      }
      if (isMoved) {
        this.moved.add(url);
        found.push(url);
      }
    }
    return found;
  }

  /** Whether to look now what the moved ones are made from, which stops the thread. */
  mayLook() {
    return this.moved.size > 0 && this.looks < MAX_LOOKS && nowUs() >= this.nextLookUs;
  }

  /** The source maps of the moved scripts, `{ url, map }`, by V8's `Debugger.scriptParsed` for all there are; it took so long to get those. */
  looked(parsed, costUs) {
    this.looks += 1;
    this.nextLookUs = nowUs() + Math.min(MAX_APART_US, costUs / LOOK_SHARE);
    const references = new Map(parsed.filter(({ url }) => this.moved.has(url)).map(({ url, sourceMapURL }) => [url, sourceMapURL]));
    this.moved.forEach((url) => this.settled.add(url));
    this.moved.clear();
    return [...references].map(([url, reference]) => ({ url, map: readMap(reference, url) })).filter(({ map }) => map);
  }
}

/** The source maps, `{ url, map }`, of scripts of this very thread that were not met before; without the map where lines are not those of the file. */
function mapsHere(scripts, frames, session) {
  const maps = [];
  for (const url of scripts.unasked(frames)) {
    const payload = findSourceMap(url)?.payload;
    if (payload) {
      scripts.settle(url);
      maps.push({ url, map: withoutContents(payload) });
    }
  }
  maps.push(...scripts.newlyMoved(frames).map((url) => ({ url })));
  if (scripts.mayLook()) {
    const beganUs = nowUs();
    const parsed = [];
    session.on('Debugger.scriptParsed', ({ params }) => parsed.push(params));
    session.post('Debugger.enable');
    session.post('Debugger.disable');
    session.removeAllListeners('Debugger.scriptParsed');
    maps.push(...scripts.looked(parsed, nowUs() - beganUs));
  }
  return maps;
}

function pathOf(url) {
  const file = url.startsWith('file:') ? fileURLToPath(url) : url;
  return fs.existsSync(file) ? file : file.split('?', 1)[0];
}

/** The lines of a script's file, or undefined where that cannot be read. */
function linesOf(url) {
  try {
    const file = pathOf(url);
    return fs.statSync(file).size <= MAX_FILE_BYTES ? fs.readFileSync(file, 'utf8').replace('\ufeff', '').split('\n') : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a function's parameters, or its class, may begin in that column, behind its name. */
function isThere(text, column, name) {
  if (name.startsWith('<')) {
    return true; // V8's own, as of a class's fields.
  }
  const first = text?.[column];
  if (first === undefined || !/[(\w$#@\[{<\u0080-\uffff]/.test(first)) {
    return false;
  }
  const before = first === '(' ? LAST_WORD.exec(text.slice(0, column).trimEnd())?.[1] : undefined;
  const called = name.split(/[ .]/).pop().replace('#', '');
  return !before || KEYWORDS.has(before) || !IDENTIFIER.test(called) || before === called;
}

function readMap(reference, url) {
  try {
    const inline = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(reference ?? '');
    const text = inline
      ? inline[1]
        ? Buffer.from(inline[2], 'base64').toString()
        : decodeURIComponent(inline[2])
      : reference && fs.readFileSync(path.resolve(path.dirname(pathOf(url)), reference), 'utf8');
    return text && withoutContents(JSON.parse(text));
  } catch {
    return undefined;
  }
}

module.exports = { Scripts, mapsHere };
