'use strict';

// A worker thread's profile, taken and handed over by the thread itself: whatever the main thread does meanwhile, the profile begins
// ahead of the thread's own code and goes to the helper, a window a second, and when the thread ends. Only of a thread that computes
// for long without a turn of its event loop the helper asks for windows: what it evaluates there swallows a timeout of `vm`, or has it
// swallowed by what it calls, if that meets it.

const { BroadcastChannel, threadId, threadName = '' } = require('worker_threads');
const { Session } = require('inspector');
const { WORDS, wordsOf, nowUs, kernelId, usedNs, intervalToAskUs, compact, plain } = require('./board.cjs');
const { leaveBehind } = require('./left_behind.cjs');
const { madeOnStack } = require('./made.cjs');
const { Scripts, mapsHere } = require('./scripts.cjs');

const MAX_ANCHOR_SAMPLES = 60_000; // 2 MB
const WINDOW_MS = 1000;
const IDLE_WINDOW_MS = 60_000;
const IDLE_MS = 1;
const WINDOW_MS_PER_NODE = 0.34; // as in the helper
const UNHEARD_WAITED_US = 1e6; // for a core: where there is no helper yet, the machine may be busy

/** Profile it from now on; gives what closes the last window, to be called when the thread ends. */
function profileThisThread({ key, titles, board, intervalUs, socket, told }) {
  const words = wordsOf(board, threadId);
  const { isProfilingItself } = told;
  // The helper listens from when it attaches to the main thread.
  const isHeard = () => Atomics.load(wordsOf(board, 0), WORDS.CLAIMED) === 1;
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
  // Not one that is kept open: it would take in what all other threads tell. A timeout of `vm` can end any of this at any point, so
  // none may keep the thread alive.
  let channel;
  const tell = (message) => {
    channel?.close();
    channel = new BroadcastChannel(key);
    channel.unref();
    channel.postMessage({ id: threadId, ...message });
    channel.close();
    channel = undefined;
  };
  const { begin, end } = { begin: console.profile.bind(console), end: console.profileEnd.bind(console) };
  const scripts = new Scripts();
  let anchor = 0;
  let anchorSamples = 0;
  let isHandingOver = false;
  let isToLeave = false;
  let nextWindowMs = 0; // on the monotonic clock
  let idleUntilMs = performance.now() + IDLE_WINDOW_MS;

  const askedUs = intervalToAskUs(intervalUs);

  words.fill(0);
  words[WORDS.THREAD] = threadId;
  words[WORDS.KERNEL_ID] = kernelId();
  ask('Profiler.enable');
  ask('Profiler.setSamplingInterval', { interval: askedUs });
  const isSampling = ask('Profiler.start') !== undefined;
  if (isSampling && !isProfilingItself) {
    begin(titles[0]);
  }
  Atomics.store(words, WORDS.PHASE, isSampling ? 1 : 2);
  const begun = reading();
  tell({ kernelId: words[WORDS.KERNEL_ID], isSampling, reading: begun });
  if (!isSampling) {
    return () => {};
  }

  /** When it is, in µs, and the CPU time that the thread has used, in ns; empty where the kernel does not say. */
  function reading() {
    const used = usedNs(words[WORDS.KERNEL_ID]);
    return used === undefined ? [] : [nowUs(), used];
  }

  function handOver(profile, isLast) {
    const window = profile?.samples.length ? compact(profile, askedUs) : undefined;
    const maps = window ? mapsHere(scripts, window.frames, session) : [];
    const now = reading();
    const tid = words[WORDS.KERNEL_ID];
    if (isHeard()) {
      tell({ window, maps, reading: now, isLast, kernelId: tid, begun });
    } else if (window) {
      // All that there is of this thread: it hands over nothing before there is a helper.
      const [at = 0, beganNs = 0, , endedNs = 0] = [...begun, ...now];
      const found = maps.map((map) => ({ type: 'map', folder: process.cwd(), ...map }));
      const counted = { type: 'window', name: threadName === 'WorkerThread' ? '' : threadName, waited: UNHEARD_WAITED_US, ...plain(window) };
      leaveBehind(socket, [
        { type: 'hello', at, tid, beganNs, endedNs, ...told },
        ...found,
        { ...counted, thread: require('worker_threads').threadId, cpuTimes: [...begun, ...now] },
        { type: 'left' },
      ]);
    }
    Atomics.store(words, WORDS.HANDED_MS, (now[1] ?? 0) / 1e6);
  }

  /** Close the window and open the next one. */
  function rotate() {
    if (isHandingOver || Atomics.load(words, WORDS.PHASE) !== 1) {
      return;
    }
    setHandingOver(true);
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
    nextWindowMs = performance.now() + WINDOW_MS_PER_NODE * (profile?.nodes.length ?? 0);
    idleUntilMs = performance.now() + IDLE_WINDOW_MS;
    handOver(profile, false);
    setHandingOver(false);
    if (isToLeave) {
      leave();
    }
  }

  /** Close the last window. */
  function leave() {
    // Ahead of the phase: whoever terminates this thread now waits until it is done.
    setHandingOver(true);
    if (Atomics.compareExchange(words, WORDS.PHASE, 1, 2) === 1) {
      handOver(ask('Profiler.stop')?.profile, true);
      session.disconnect();
    }
    Atomics.store(words, WORDS.ENDING, 2);
    setHandingOver(false);
    Atomics.notify(words, WORDS.ENDING);
  }

  /** The same for who asks from outside, perhaps in the midst of a handing over: then that goes on, and leaves. */
  function leaveWhenAsked() {
    isToLeave = true;
    if (!isHandingOver) {
      leave();
    }
  }

  function setHandingOver(value) {
    isHandingOver = value;
    Atomics.store(words, WORDS.ROTATING, Number(value));
  }

  function rotateInTime() {
    isHandingOver = false; // One that a timeout of `vm` has met never ends.
    const now = performance.now();
    const owesMs = (usedNs(words[WORDS.KERNEL_ID]) ?? 0) / 1e6 - Atomics.load(words, WORDS.HANDED_MS);
    if (isHeard() && now >= nextWindowMs && (owesMs >= IDLE_MS || now >= idleUntilMs)) {
      rotate();
    }
  }

  setInterval(rotateInTime, WINDOW_MS).unref();
  Object.defineProperty(globalThis, Symbol.for(key), { value: Object.freeze({ rotate, leave: leaveWhenAsked, made: madeOnStack }) });
  return leave;
}

module.exports = { profileThisThread };
