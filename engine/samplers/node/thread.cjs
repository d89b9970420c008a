'use strict';

// A worker thread's profile, taken and handed over by the thread itself: whatever the main thread does meanwhile, the profile begins
// ahead of the thread's own code and goes to the helper when the thread ends. In between the helper asks for windows.

const { BroadcastChannel, threadId } = require('worker_threads');
const { findSourceMap } = require('module');
const { Session } = require('inspector');
const { WORDS, wordsOf, nowUs, kernelId, usedNs, intervalToAskUs, compact } = require('./board.cjs');

const MAPPED = /\.(ts|mts|cts|tsx|jsx)(\?|$)/;
const MAX_ANCHOR_SAMPLES = 60_000; // 2 MB

function profileThisThread({ key, titles, board, intervalUs, isProfilingItself }) {
  const words = wordsOf(board, threadId);
  const session = new Session();
  session.connect();
  // A session on its own thread answers before `post` returns.
  const ask = (method, params) => {
    let answer;
    session.post(method, params, (error, result) => {
      answer = error ? undefined : result;
    });
    return answer;
  };
  const tell = (message) => {
    const channel = new BroadcastChannel(key);
    channel.postMessage({ id: threadId, ...message });
    channel.close();
  };
  const { begin, end } = { begin: console.profile.bind(console), end: console.profileEnd.bind(console) };
  const mapped = new Set();
  let anchor = 0;
  let anchorSamples = 0;

  words.fill(0);
  words[WORDS.THREAD] = threadId;
  words[WORDS.KERNEL_ID] = kernelId();
  ask('Profiler.enable');
  ask('Profiler.setSamplingInterval', { interval: intervalToAskUs(intervalUs) });
  const isSampling = ask('Profiler.start') !== undefined;
  if (isSampling && !isProfilingItself) {
    begin(titles[0]);
  }
  Atomics.store(words, WORDS.PHASE, isSampling ? 1 : 2);
  tell({ kernelId: words[WORDS.KERNEL_ID], isSampling, reading: reading() });
  if (!isSampling) {
    return;
  }

  /** When it is, in µs, and the CPU time that the thread has used, in ns; empty where the kernel does not say. */
  function reading() {
    const used = usedNs(words[WORDS.KERNEL_ID]);
    return used === undefined ? [] : [nowUs(), used];
  }

  function handOver(profile, isLast) {
    const maps = [];
    for (const url of new Set(profile?.nodes.map((node) => node.callFrame.url).filter((each) => MAPPED.test(each)))) {
      const payload = mapped.has(url) ? undefined : findSourceMap(url)?.payload;
      mapped.add(url);
      if (payload) {
        maps.push({ url, map: { ...payload, sourcesContent: undefined } });
      }
    }
    const window = profile?.samples.length ? compact(profile) : undefined;
    const now = reading();
    tell({ window, maps, reading: now, isLast });
    Atomics.store(words, WORDS.HANDED_MS, (now[1] ?? 0) / 1e6);
  }

  /** Close the window and open the next one. */
  function rotate() {
    if (Atomics.load(words, WORDS.PHASE) !== 1 || Atomics.exchange(words, WORDS.ROTATING, 1)) {
      return;
    }
    // Whoever terminates this thread now waits for the last window.
    const profile = ask('Profiler.stop')?.profile;
    ask('Profiler.start');
    ask('Runtime.discardConsoleEntries'); // The inspector holds on to all that the program logs.
    anchorSamples += profile?.samples.length ?? 0;
    if (anchorSamples > MAX_ANCHOR_SAMPLES && !isProfilingItself) {
      anchorSamples = 0;
      begin(titles[1 - anchor]);
      end(titles[anchor]);
      anchor = 1 - anchor;
    }
    handOver(profile, false);
    Atomics.store(words, WORDS.ROTATING, 0);
  }

  /** Close the last window. */
  function leave() {
    if (Atomics.compareExchange(words, WORDS.PHASE, 1, 2) === 1) {
      handOver(ask('Profiler.stop')?.profile, true);
      session.disconnect();
    }
    Atomics.store(words, WORDS.ENDING, 2);
    Atomics.notify(words, WORDS.ENDING);
  }

  Object.defineProperty(globalThis, Symbol.for(key), { value: Object.freeze({ rotate, leave }) });
  process.on('exit', leave);
}

module.exports = { profileThisThread };
