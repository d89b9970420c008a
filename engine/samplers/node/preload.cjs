'use strict';

// Required by the profiled program's Node.js processes ahead of their own code (NODE_OPTIONS), and by their worker threads.
// Starts the helper that takes the profiles, waits until it does, and lets it hand over the last window at the end. Whatever
// goes wrong in here, the program runs as if this file did not exist.

const VARIABLE = 'MULTI_LANG_PROFILER_NODE';
const START_WAIT_MS = 500;
const WORKER_WAIT_MS = 100;
// Node.js itself would wait for the helper to detach, as long as it takes, and would say so on stderr.
const EXIT_WAIT_MS = 3000;

// The words of memory that a thread and the helper share.
const PHASE = 0; // 0 starting, 1 sampling, 2 off
const EXITING = 1; // 1 from the thread's `exit` event on, 2 when the helper has its last window
const ANCHORED = 2; // 1 when the thread has its anchor; see the helper
const CLAIMED = 3; // 1 from when the helper attaches, 2 when the process ends before it did
const WORDS_BYTES = 16;

function mainThread(config) {
  if (!config.follow) {
    delete process.env[VARIABLE];
    if (config.nodeOptions === null) {
      delete process.env.NODE_OPTIONS;
    } else {
      process.env.NODE_OPTIONS = config.nodeOptions;
    }
  }
  const path = require('path');
  const { Session } = require('inspector');
  const { Worker } = require('worker_threads');

  // Throws where a process may not be inspected; then there is nothing to do here.
  const trial = new Session();
  trial.connect();
  trial.disconnect();

  const profile = offerToHelper(config.key);
  // Both of these print that `console.profile` was called.
  const isProfilingItself = Boolean(process.env.NODE_V8_COVERAGE) || hasOption('--cpu-prof');
  const shared = new Int32Array(new SharedArrayBuffer(WORDS_BYTES));
  const helper = new Worker(path.join(__dirname, 'helper.cjs'), {
    argv: [],
    execArgv: [],
    env: {},
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 8 },
    workerData: {
      ...config,
      shared,
      pid: process.pid,
      tid: nativeThreadId(),
      name: path.basename(process.argv[1] ?? 'node'),
      isProfilingItself,
    },
  });
  helper.on('error', () => {});
  helper.unref();

  if (Atomics.wait(shared, PHASE, 0, START_WAIT_MS) !== 'timed-out' && !isProfilingItself) {
    dropAnchor(profile, config.titles, shared);
  }
  process.on('exit', () => {
    if (Atomics.compareExchange(shared, CLAIMED, 0, 2) === 1 && Atomics.load(shared, PHASE) !== 2) {
      Atomics.store(shared, EXITING, 1);
      helper.postMessage('exit');
      Atomics.wait(shared, EXITING, 1, EXIT_WAIT_MS);
    }
  });
}

function workerThread({ key, titles }) {
  const { BroadcastChannel, threadId } = require('worker_threads');
  const profile = offerToHelper(key);
  const words = new Int32Array(new SharedArrayBuffer(WORDS_BYTES));
  const tell = (message) => {
    const channel = new BroadcastChannel(key);
    channel.postMessage({ id: threadId, ...message });
    channel.close();
  };
  tell({ tid: nativeThreadId(), words });
  if (Atomics.wait(words, PHASE, 0, WORKER_WAIT_MS) !== 'timed-out') {
    dropAnchor(profile, titles, words);
  }
  process.on('exit', () => {
    if (Atomics.load(words, PHASE) === 1) {
      Atomics.store(words, EXITING, 1);
      tell({ isExiting: true });
      Atomics.wait(words, EXITING, 1, WORKER_WAIT_MS);
    }
  });
}

function dropAnchor(profile, titles, words) {
  profile.begin(titles[0]);
  Atomics.store(words, ANCHORED, 1);
}

// The helper reaches these by `Runtime.evaluate`. The first two are V8's own, bound: a program that replaces `console.profile` is
// not in the way.
function offerToHelper(key) {
  const value = Object.freeze({
    begin: console.profile.bind(console),
    end: console.profileEnd.bind(console),
    sourceMap(url) {
      const payload = require('module').findSourceMap(url)?.payload;
      return payload && JSON.stringify({ ...payload, sourcesContent: undefined });
    },
  });
  Object.defineProperty(globalThis, Symbol.for(key), { value });
  return value;
}

function nativeThreadId() {
  try {
    return Number(require('fs').readlinkSync('/proc/thread-self').split('/').pop());
  } catch {
    return process.pid;
  }
}

function hasOption(name) {
  return process.execArgv.includes(name) || (process.env.NODE_OPTIONS ?? '').split(/\s+/).includes(name);
}

try {
  const config = process.env[VARIABLE];
  if (config) {
    (require('worker_threads').isMainThread ? mainThread : workerThread)(JSON.parse(config));
  }
} catch {
  // Not sampled, then; the sampler says so when nobody has come.
}
