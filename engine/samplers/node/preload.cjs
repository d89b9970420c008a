'use strict';

// Required by the profiled program's Node.js processes ahead of their own code, and by their worker threads. In the main thread it
// starts the helper that takes the profiles, waits until it does, and lets it hand over the last window at the end; a worker thread
// profiles itself. Whatever goes wrong in here, the program runs as if this file did not exist.

const VARIABLE = 'MULTI_LANG_PROFILER_NODE';
const KEY = 'multi_lang_profiler.node';
// Node.js itself would wait for the helper to detach, as long as it takes, and would say so on stderr.
const END_WAIT_MS = 3000;
// What a worker thread that is terminated may take to hand over its last window, and how much of it is left to its fate.
const TERMINATE_WAIT_MS = 100;
const ENDING_WAIT_MS = 400;
const NEGLIGIBLE_MS = 5;
// A forked child gets its helper once it has used so much CPU, which is looked at whenever its event loop turns after that time.
const HELPED_FROM_MS = 200;
const START_MS = 60; // what Node.js itself takes
const LOOK_MS = 250;
const ANSWERS_APART_MS = 20;
const ALONE_MS = 1000;
let overridden = false; // an env file's NODE_OPTIONS, by ours
let EarlyProfile; // loaded where it is needed

function mainThread(config) {
  followChildren(config);
  const path = require('path');
  const { Session } = require('inspector');
  const { Worker, setEnvironmentData } = require('worker_threads');
  const { WORDS, newBoard, wordsOf, kernelId } = require('./board.cjs');
  const { startUnseen, countWithoutHelper } = require('./thread_ids.cjs');

  // Throws where a process may not be inspected; then there is nothing to do here.
  const trial = new Session();
  trial.connect();
  trial.disconnect();

  let early; // the thread's own profile, while it has no helper
  /** Drop the helper's anchor, and give what there was before it as text. */
  const takeOver = (title) => {
    const taken = early?.end();
    early = undefined;
    profile.begin(title);
    return taken && JSON.stringify(taken);
  };
  const rotate = () => {
    if (early) {
      early.isAsked = true;
    }
    return early && JSON.stringify(early.rotate());
  };
  const profile = offerToHelper({ takeOver, rotate });
  // Both of these print that `console.profile` was called.
  const isProfilingItself = Boolean(process.env.NODE_V8_COVERAGE) || hasOption('--cpu-prof');
  const told = { pid: process.pid, name: path.basename(process.argv[1] ?? 'node'), isProfilingItself, isOverridden: overridden };
  const board = newBoard();
  const words = wordsOf(board, 0);
  words[WORDS.KERNEL_ID] = kernelId();
  setEnvironmentData(KEY, { ...config, board, told });

  let helper;
  const startHelper = () => {
    const options = {
      argv: [],
      execArgv: [],
      env: {},
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 2 },
      workerData: { ...config, ...told, board },
    };
    helper = startUnseen(board, () => new Worker(path.join(__dirname, 'helper.cjs'), options));
    helper.on('error', () => {});
    helper.unref();
  };
  const beginEarly = () => {
    if (Atomics.compareExchange(words, WORDS.ANCHORED, 0, 2) === 0) {
      EarlyProfile ??= require('./early.cjs').EarlyProfile;
      early = new EarlyProfile(config, words, profile);
      if (Atomics.load(words, WORDS.ANCHORED) !== 2) {
        takeOver(config.titles[0]); // It was asked for before it was there.
      }
      return true;
    }
    return false;
  };
  const start = () => {
    Atomics.wait(words, WORDS.PHASE, 0, config.startWaitMs);
    if (isProfilingItself || (Atomics.load(words, WORDS.PHASE) === 0 && beginEarly())) {
      return;
    }
    if (Atomics.load(words, WORDS.PHASE) !== 2 && Atomics.exchange(words, WORDS.ANCHORED, 1) !== 1) {
      profile.begin(config.titles[0]);
    }
  };
  const leaveEarly = (isLast) => {
    // The helper's questions may come in the midst of this, and would take the window along.
    const leaving = early;
    early = undefined;
    try {
      leaving?.leaveBehind(told, isLast);
    } catch {
      // Nowhere to leave it.
    }
    if (!isLast && Atomics.load(words, WORDS.ANCHORED) === 2) {
      early = leaving;
    } else if (!isLast) {
      leaving?.end(); // The helper has taken over.
    }
  };
  /** Have the helper hand over the last windows and detach; gives whether it was there. */
  const leave = (isForGood) => {
    const isClaimed = Atomics.compareExchange(words, WORDS.CLAIMED, 0, 2) === 1;
    leaveEarly(true);
    if (isClaimed) {
      // It may just be attaching.
      Atomics.wait(words, WORDS.PHASE, 0, END_WAIT_MS);
    }
    if (!isClaimed || Atomics.load(words, WORDS.PHASE) !== 1) {
      return false;
    }
    if (Atomics.compareExchange(words, WORDS.ENDING, 0, 1) !== 0) {
      return false;
    }
    helper.postMessage(isForGood === true ? 'give way' : 'leave');
    Atomics.wait(words, WORDS.ENDING, 1, END_WAIT_MS);
    return true;
  };
  const comeBack = () => {
    words[WORDS.PHASE] = words[WORDS.ANCHORED] = words[WORDS.CLAIMED] = words[WORDS.ENDING] = 0;
    helper.postMessage('come back');
    start();
  };
  if (isWithoutHelper()) {
    if (!isProfilingItself && beginEarly()) {
      setInterval(() => early?.owesMs() >= NEGLIGIBLE_MS && leaveEarly(false), ALONE_MS).unref();
    }
  } else if (process.channel && !isProfilingItself) {
    beginEarly();
    startLater(startHelper, () => early);
    // Whoever forked this child may end it as soon as it has answered.
    let nextMs = 0;
    wrap(process, 'send', () => {
      if (early && !early.isAsked && performance.now() >= nextMs) {
        nextMs = performance.now() + ANSWERS_APART_MS;
        return early.owesMs() >= NEGLIGIBLE_MS && leaveEarly(false);
      }
      return false;
    });
  } else {
    startHelper();
  }
  // While the helper starts.
  leaveLast(leave);
  // V8's profiler works by this signal, so all of its looks would go to the program.
  process.prependListener('newListener', (name) => void (name === 'SIGPROF' && leave(true)));
  wrapEnds(leave, comeBack);
  wrapTerminate(board);
  countWithoutHelper(board);
  if (helper) {
    start();
  }
}

/**
 * Node.js 24 aborts where a worker thread of a process that was started from a snapshot loads `net`, as the helper does; and each that may
 * not reserve the address space of another heap, half a GB. Such a process hands over by itself.
 */
function isWithoutHelper() {
  const isFromSnapshot = () => process.execArgv.some((word) => word.startsWith('--snapshot-blob')) || require('node:sea').isSea();
  return hasAddressLimit() || (process.versions.node.startsWith('24.') && isFromSnapshot());
}

/** `ulimit -v` */
function hasAddressLimit() {
  try {
    return /^Max address space +\d/m.test(require('fs').readFileSync('/proc/self/limits', 'latin1'));
  } catch {
    return false;
  }
}

/** Start the helper of a process that profiles itself, by `early()`, once it is worth it: when it has used CPU, or has worker threads. */
function startLater(startHelper, early) {
  let timer;
  const begin = () => {
    clearInterval(timer);
    process.removeListener('worker', begin);
    if (early()) {
      startHelper();
    }
  };
  const { cpuUsage } = process;
  const look = () => {
    const { user, system } = cpuUsage();
    if (user + system >= 1000 * (START_MS + HELPED_FROM_MS)) {
      begin();
    }
  };
  timer = setInterval(look, LOOK_MS).unref();
  process.on('worker', begin);
}

function workerThread() {
  const { getEnvironmentData } = require('worker_threads');
  const config = getEnvironmentData(KEY);
  if (config) {
    hideOption(config.option);
    const { WORDS, wordsOf } = require('./board.cjs');
    if (Atomics.load(wordsOf(config.board, 0), WORDS.ENDING) !== 2) {
      const leave = require('./thread.cjs').profileThisThread(config);
      keepListening('exit', leave);
    }
    wrapTerminate(config.board);
    require('./thread_ids.cjs').countWithoutHelper(config.board);
  }
}

/** Leave behind all listeners of `exit` that the program has, as they may compute: tools write down there what they covered. */
function leaveLast(leave) {
  const append = () => {
    const { _maxListeners: most } = process;
    process._maxListeners = 0; // A warning would name the program for one of ours.
    process.removeListener('exit', leave);
    process.on('exit', leave);
    process._maxListeners = most;
  };
  keepListening('beforeExit', append);
  keepListening('uncaughtExceptionMonitor', () => (process._exiting ? leave() : append()));
}

/** Listen, also behind a program that removes all listeners that there are: its own is what it means. */
function keepListening(event, listener) {
  process.on(event, listener);
  wrap(
    process,
    'removeAllListeners',
    () => true,
    () => process.listeners(event).includes(listener) || process.on(event, listener)
  );
}

/** What ends the process without its `exit` event, or behind it as `process.exit` does. */
function wrapEnds(leave, comeBack) {
  const { signals } = require('os').constants;
  // Not `abort`: it prints the stack, with a wrapper on it.
  wrap(process, 'reallyExit', leave);
  // The sampling thread's signals would kill the successor.
  wrap(process, 'execve', leave, comeBack);
  // Node.js takes leave of debuggers whenever a process signals itself and does not handle it, also where that does not end it.
  const isHandled = (signal) => Object.keys(signals).some((name) => signals[name] === signal && process.listenerCount(name));
  const isOwnEnd = (pid, signal) => signal > 0 && [0, -1, process.pid, -process.pid].includes(pid) && !isHandled(signal);
  wrap(process, '_kill', (pid, signal) => isOwnEnd(pid, signal) && leave(), comeBack);
}

/** A thread that is terminated runs no JavaScript any more, so whoever terminates it lets it hand over its last window before. */
function wrapTerminate(board) {
  const { BroadcastChannel, Worker } = require('worker_threads');
  const { WORDS, wordsOf, usedNs } = require('./board.cjs');
  const { trueIdOf } = require('./thread_ids.cjs');
  const askForLastWindow = function () {
    const id = trueIdOf.call(this);
    const words = wordsOf(board, id);
    const isLeaving = () => Atomics.load(words, WORDS.ROTATING) === 1;
    if (id < 1 || words[WORDS.THREAD] !== id || (Atomics.load(words, WORDS.PHASE) !== 1 && !isLeaving())) {
      return;
    }
    const used = usedNs(words[WORDS.KERNEL_ID]);
    const isOwing = used / 1e6 - Atomics.load(words, WORDS.HANDED_MS) >= NEGLIGIBLE_MS;
    if (Atomics.compareExchange(words, WORDS.ENDING, 0, 1) !== 0 || !(isOwing || isLeaving())) {
      return;
    }
    let session;
    if (Atomics.load(words, WORDS.PHASE) !== 1) {
      // It leaves by itself.
    } else if (Atomics.load(words, WORDS.CLAIMED)) {
      const channel = new BroadcastChannel(KEY);
      channel.unref();
      channel.postMessage({ id, isTerminated: true, used });
      channel.close();
    } else {
      session = askWithoutHelper(id);
    }
    Atomics.wait(words, WORDS.ENDING, 1, TERMINATE_WAIT_MS);
    if (isLeaving()) {
      // It is about to.
      Atomics.wait(words, WORDS.ENDING, 1, ENDING_WAIT_MS);
    }
    session?.disconnect();
  };
  wrap(Worker.prototype, 'terminate', askForLastWindow);
}

/** Have a worker thread of this one leave, by a session of our own: the helper is not there, or has not met it yet. */
function askWithoutHelper(id) {
  const { Session } = require('inspector');
  const session = new Session();
  session.connect();
  const expression = `globalThis[Symbol.for(${JSON.stringify(KEY)})]?.leave()\n//# sourceURL=${KEY}`;
  const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression, silent: true } });
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
    if (workerInfo.title.startsWith(`[worker ${id}]`)) {
      session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
    }
  });
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  return session;
}

/** Have `before` called ahead of `object[name]`, with its arguments, and `after` behind it if `before` gave true. */
function wrap(object, name, before, after) {
  const original = object[name];
  if (typeof original !== 'function') {
    return;
  }
  const { value } = Object.getOwnPropertyDescriptor(
    {
      [name](...given) {
        let has = false;
        try {
          has = before.apply(this, given);
        } catch {
          // Then it ends as it would without us.
        }
        try {
          return Reflect.apply(original, this, given);
        } finally {
          if (has && after) {
            after();
          }
        }
      },
    },
    name
  );
  Object.defineProperty(value, 'length', { value: original.length, configurable: true });
  const inherited = { configurable: true, writable: true };
  Object.defineProperty(object, name, { ...inherited, ...Object.getOwnPropertyDescriptor(object, name), value });
}

/** The program's children are led to us by `NODE_OPTIONS`; it itself is not, so that an env file's NODE_OPTIONS holds. */
function followChildren({ option, follow }) {
  if (!hideOption(option) && process.env.NODE_OPTIONS === quoted(option) && envFileHasOptions()) {
    beginAgain(option);
  }
  if (!follow) {
    delete process.env[VARIABLE];
  } else if (!(process.env.NODE_OPTIONS ?? '').includes(quoted(option))) {
    process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} ${quoted(option)}`.trimStart();
  }
}

/** Take our option off the ones that the program can read; gives whether it was there. */
function hideOption(option) {
  const index = process.execArgv.indexOf(option);
  return index >= 0 && process.execArgv.splice(index, 1).length > 0;
}

/** Whether an env file of this process has a NODE_OPTIONS, which Node.js did not read, as ours was there. */
function envFileHasOptions() {
  const files = process.execArgv.flatMap((argument, index, all) => {
    const [name, ...value] = argument.split('=');
    return /^--env-file(-if-exists)?$/.test(name) ? [value.length ? value.join('=') : all[index + 1]] : [];
  });
  return files.some((file) => {
    try {
      return /^\s*(export\s+)?NODE_OPTIONS\s*=/m.test(require('fs').readFileSync(file, 'utf8'));
    } catch {
      return false;
    }
  });
}

/** Start this very process once more, before anything has happened in it, with ours on the command line. */
function beginAgain(option) {
  if (process.execve && !process.channel) {
    const { NODE_OPTIONS, ...env } = process.env;
    process.execve(process.execPath, [process.argv0, option, ...process.execArgv, ...process.argv.slice(1)], env);
  }
  overridden = true;
}

function quoted(option) {
  const [name, ...value] = option.split('=');
  return `${name}="${value.join('=').replace(/["\\]/g, '\\$&')}"`;
}

// The helper reaches these by `Runtime.evaluate`. The first two are V8's own, bound: a program that replaces `console.profile` is
// not in the way.
function offerToHelper(early) {
  const { withoutContents } = require('./board.cjs');
  const value = Object.freeze({
    ...early,
    begin: console.profile.bind(console),
    end: console.profileEnd.bind(console),
    made: require('./made.cjs').madeOnStack,
    sourceMap(url) {
      const payload = require('module').findSourceMap(url)?.payload;
      return payload && JSON.stringify(withoutContents(payload));
    },
  });
  Object.defineProperty(globalThis, Symbol.for(KEY), { value });
  return value;
}

function hasOption(name) {
  return process.execArgv.includes(name) || (process.env.NODE_OPTIONS ?? '').split(/\s+/).includes(name);
}

/** The program finds no modules but its own in `require.cache`. */
function leaveCache() {
  for (const file of Object.keys(require.cache)) {
    if (file.startsWith(`${__dirname}/`)) {
      delete require.cache[file];
    }
  }
}

try {
  if (globalThis[Symbol.for(KEY)]) {
    // Asked for twice, by the command line and the environment.
  } else if (!require('worker_threads').isMainThread) {
    workerThread();
  } else if (process.env[VARIABLE]) {
    mainThread(JSON.parse(process.env[VARIABLE]));
  }
} catch {
  // Not sampled, then; the sampler says so when nobody has come.
} finally {
  leaveCache();
}
