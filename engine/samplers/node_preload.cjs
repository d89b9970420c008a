'use strict';

// Required by the profiled program's Node.js processes ahead of their own code (NODE_OPTIONS), and by their worker threads.
// Starts the helper that takes the profiles, waits until it does, and lets it hand over the last window at the end. Whatever
// goes wrong in here, the program runs as if this file did not exist.

const VARIABLE = 'MULTI_LANG_PROFILER_NODE';
const START_WAIT_MS = 500;
const WORKER_WAIT_MS = 100;
const EXIT_WAIT_MS = 300;

// The words of memory that a thread and the helper share.
const PHASE = 0; // 0 starting, 1 sampling, 2 off
const EXITING = 1; // 1 from the thread's `exit` event on, 2 when the helper has its last window

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

  offerToHelper(config.key);
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const helper = new Worker(path.join(__dirname, 'node_helper.cjs'), {
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
      // Both of these print the profiles that `console.profile` makes.
      isProfilingItself: Boolean(process.env.NODE_V8_COVERAGE) || hasOption('--cpu-prof'),
    },
  });
  helper.on('error', () => {});
  helper.unref();

  Atomics.wait(shared, PHASE, 0, START_WAIT_MS);
  process.on('exit', () => {
    if (Atomics.load(shared, PHASE) === 1) {
      Atomics.store(shared, EXITING, 1);
      helper.postMessage('exit');
      Atomics.wait(shared, EXITING, 1, EXIT_WAIT_MS);
    }
  });
}

function workerThread({ key, titles }) {
  const { BroadcastChannel, threadId } = require('worker_threads');
  const profile = offerToHelper(key);
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const channel = new BroadcastChannel(key);
  channel.postMessage({ id: threadId, tid: nativeThreadId(), shared });
  channel.close();
  Atomics.wait(shared, PHASE, 0, WORKER_WAIT_MS);
  process.on('exit', () => {
    if (Atomics.load(shared, PHASE) === 1) {
      Atomics.store(shared, EXITING, 1);
      for (const title of titles) {
        profile.end(title);
      }
      Atomics.wait(shared, EXITING, 1, WORKER_WAIT_MS);
    }
  });
}

// The helper reaches these by `Runtime.evaluate`. The first two are V8's own, bound, so that no frame of ours is on the stack and a
// program that replaces `console.profile` is not in the way.
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
