'use strict';

// Required by the profiled program's Node.js processes ahead of their own code, and by their worker threads. Each thread profiles itself from
// here on. The main thread starts the helper that hands the profile over, and lets it hand over the last window at the end. Whatever goes
// wrong in here, the program runs as if this file did not exist.

const fs = require('fs');

const VARIABLE = 'MULTI_LANG_PROFILER_NODE';
const KEY = 'multi_lang_profiler.node';
// Node.js itself would wait for the helper to detach, as long as it takes, and would say so on stderr.
const END_WAIT_MS = 3000;
// What a worker thread that is terminated may take to hand over its last window, and how much of it is left to its fate.
const TERMINATE_WAIT_MS = 100;
const HELPER_WAIT_MS = 200; // for the helper to be there, to which that goes
const NEGLIGIBLE_MS = 5;
// A forked child, or what was short before, gets its helper once it has used so much CPU, which is looked at whenever its event loop turns
// after that time.
const HELPED_FROM_MS = 200;
const START_MS = 60; // what Node.js itself takes
const LOOK_MS = 250;
const ANSWERS_APART_MS = 20;
const SHORT_MS = 100; // of CPU time
const WINDOW_MS = 1000;
let overridden = false; // an env file's NODE_OPTIONS, by ours

function mainThread(config) {
  followChildren(config);
  const path = require('path');
  const { Worker, setEnvironmentData } = require('worker_threads');
  const { WORDS, newBoard, wordsOf, kernelId, usedNs } = require('./board.cjs');

  const board = newBoard();
  const words = wordsOf(board, 0);
  const thread = (words[WORDS.KERNEL_ID] = kernelId());
  const { cpuUsage } = process;
  const usedMs = () => {
    cpuUsage(); // The kernel brings a thread's time up to date for who asks what the process used.
    return usedNs(thread) / 1e6 - beganMs;
  };
  let beganMs = 0;
  // Both of these print that `console.profile` was called.
  const isProfilingItself = Boolean(process.env.NODE_V8_COVERAGE) || hasOption('--cpu-prof');
  setEnvironmentData(KEY, { ...config, board, isProfilingItself });

  const past = new Past(config);
  let own; // the thread's own profile, until the helper has taken over
  let helper;
  const profile = offerToHelper({
    /**
     * End the thread's own profile and give what it has, where the helper has begun one and puts its anchor. The program's own inspectors
     * would be told of that: where it may have one, the thread keeps its profile, and gives windows whenever its event loop turns.
     */
    takeOver(title) {
      if (process.moduleLoadList.includes('NativeModule inspector')) {
        setInterval(profile.rotate, WINDOW_MS).unref();
        helper.postMessage({ isKept: true });
        return true;
      }
      const taken = own;
      own = undefined;
      const last = taken?.end();
      taken?.close();
      profile.begin(title);
      helper.postMessage({ own: last });
      return true;
    },
    /** Give the window. */
    rotate() {
      if (own) {
        own.isAsked = true;
      }
      helper.postMessage({ own: own?.rotate() });
      return true;
    },
  });
  const beginOwn = () => {
    own = new (require('./own_profile.cjs').OwnProfile)(config, words, profile);
    words[WORDS.ANCHORED] = 2;
  };
  const told = { pid: process.pid, name: path.basename(process.argv[1] ?? 'node'), isProfilingItself, isOverridden: overridden };
  const startHelper = () => {
    helper = new Worker(path.join(__dirname, 'helper.cjs'), {
      argv: [],
      execArgv: [],
      env: {},
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 8 },
      workerData: { ...config, ...told, board },
    });
    helper.on('error', () => {});
    helper.unref();
  };
  const leaveBehind = (profile, window) => {
    try {
      require('./left_behind.cjs').leaveBehind(window, profile, config.socket, told);
    } catch {
      // Nowhere to leave it.
    }
  };
  /** Have the helper hand over the last windows and detach, or leave behind what there is; gives what `comeBack` undoes. */
  const leave = () => {
    const leaving = own;
    own = undefined;
    const isClaimed = Atomics.compareExchange(words, WORDS.CLAIMED, 0, 2) === 1;
    const last = leaving?.end();
    if (isClaimed) {
      // It may just be attaching.
      Atomics.wait(words, WORDS.PHASE, 0, END_WAIT_MS);
    }
    const isHelped = isClaimed && Atomics.load(words, WORDS.PHASE) === 1 && Atomics.compareExchange(words, WORDS.ENDING, 0, 1) === 0;
    if (isHelped) {
      helper.postMessage({ own: last, isLast: true });
      Atomics.wait(words, WORDS.ENDING, 1, END_WAIT_MS);
    } else if (last) {
      leaveBehind(leaving, last);
    }
    leaving?.close();
    return { isHelped, isOwn: Boolean(leaving) || (isHelped && !isProfilingItself) };
  };
  const comeBack = ({ isHelped, isOwn }) => {
    // A helper that is yet to come finds all as it was.
    words[WORDS.PHASE] = words[WORDS.ANCHORED] = words[WORDS.CLAIMED] = words[WORDS.ENDING] = 0;
    if (isOwn) {
      beginOwn();
    }
    if (isHelped) {
      helper.postMessage({ isBack: true });
    }
  };

  if (isProfilingItself) {
    // Throws where a process may not be inspected; then there is nothing to do here.
    const trial = new (require('inspector').Session)();
    trial.connect();
    trial.disconnect();
    startHelper();
    Atomics.wait(words, WORDS.PHASE, 0, config.startWaitMs);
  } else {
    beginOwn();
    if (process.channel || past.wasShort) {
      startLater(() => {
        if (own) {
          past.forget();
          startHelper();
        }
      });
    } else {
      startHelper();
    }
  }
  if (process.channel && own) {
    // Whoever forked this child may end it as soon as it has answered.
    let nextMs = 0;
    wrap(process, 'send', () => {
      if (own && !own.isAsked && performance.now() >= nextMs) {
        nextMs = performance.now() + ANSWERS_APART_MS;
        if (own.owesMs() >= NEGLIGIBLE_MS) {
          leaveBehind(own, own.rotate());
        }
      }
      return false;
    });
  }
  process.on('exit', () => {
    const used = usedMs();
    leave();
    past.remember(used);
  });
  wrapEnds(leave, comeBack);
  wrapTerminate(board);
  beganMs = usedMs();
}

/**
 * Whether the same script was short when it last ran under the profiler, as a file beside the socket: then it most likely is again, and needs no
 * helper unless it turns out otherwise.
 */
class Past {
  constructor({ socket }) {
    this.short = `${socket}.short${hash([process.execArgv, process.argv[1]])}`;
    this.wasShort = fs.existsSync(this.short);
  }

  /** The process ends; its thread has used so much CPU time. */
  remember(usedMs) {
    if (usedMs >= SHORT_MS) {
      this.forget();
    } else if (!this.wasShort) {
      note(this.short);
    }
  }

  forget() {
    if (this.wasShort) {
      this.wasShort = false;
      unnote(this.short);
    }
  }
}

/** The run's folder may be gone by now: then nobody needs to know. */
function note(file) {
  try {
    fs.appendFileSync(file, '', { mode: 0o600 });
  } catch {}
}

function unnote(file) {
  try {
    fs.unlinkSync(file);
  } catch {}
}

function hash(words) {
  const text = JSON.stringify(words);
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) {
    sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0;
  }
  return sum;
}

/** Call `start` once it is worth it: when the process has used CPU, looked at when its event loop turns, or has worker threads. */
function startLater(start) {
  let timer;
  const begin = () => {
    clearInterval(timer);
    process.removeListener('worker', begin);
    try {
      start();
    } catch {
      // Then it is seen when it ends.
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
    require('./thread.cjs').profileThisThread(config);
    wrapTerminate(config.board);
  }
}

/** What ends the process without its `exit` event. */
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
  const main = wordsOf(board, 0);
  let isAwaited = true; // the helper, where it is not there yet
  const askForLastWindow = function () {
    const id = this.threadId;
    const words = wordsOf(board, id);
    if (id < 1 || words[WORDS.THREAD] !== id || Atomics.load(words, WORDS.PHASE) !== 1) {
      return;
    }
    const used = usedNs(words[WORDS.KERNEL_ID]);
    const isOwing = used / 1e6 - Atomics.load(words, WORDS.HANDED_MS) >= NEGLIGIBLE_MS;
    if (Atomics.compareExchange(words, WORDS.ENDING, 0, 1) === 0 && (isOwing || Atomics.load(words, WORDS.ROTATING))) {
      const came = isAwaited ? Atomics.wait(main, WORDS.PHASE, 0, HELPER_WAIT_MS) : '';
      isAwaited = came !== 'timed-out' && isAwaited;
      const channel = new BroadcastChannel(KEY);
      channel.unref();
      channel.postMessage({ id, isTerminated: true, used });
      channel.close();
      // It has yet to meet the thread, where it just came.
      Atomics.wait(words, WORDS.ENDING, 1, came === 'ok' ? HELPER_WAIT_MS : TERMINATE_WAIT_MS);
    }
  };
  wrap(Worker.prototype, 'terminate', askForLastWindow);
}

/** Have `before` called ahead of `object[name]`, with its arguments, and `after` behind it with what `before` gave, if it did. */
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
            after(has);
          }
        }
      },
    },
    name
  );
  Object.defineProperty(value, 'length', { value: original.length, configurable: true });
  Object.defineProperty(object, name, { ...Object.getOwnPropertyDescriptor(object, name), value });
}

/** The program's children are led to us by `NODE_OPTIONS`; it itself is not, so that an env file's NODE_OPTIONS holds. */
function followChildren({ option, follow }) {
  const index = process.execArgv.indexOf(option);
  if (index >= 0) {
    process.execArgv.splice(index, 1);
  } else if (process.env.NODE_OPTIONS === quoted(option) && envFileHasOptions()) {
    beginAgain(option);
  }
  if (!follow) {
    delete process.env[VARIABLE];
  } else if (!(process.env.NODE_OPTIONS ?? '').includes(quoted(option))) {
    process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} ${quoted(option)}`.trimStart();
  }
}

/** Whether an env file of this process has a NODE_OPTIONS, which Node.js did not read, as ours was there. */
function envFileHasOptions() {
  const files = process.execArgv.flatMap((argument, index, all) => {
    const [name, ...value] = argument.split('=');
    return /^--env-file(-if-exists)?$/.test(name) ? [value.length ? value.join('=') : all[index + 1]] : [];
  });
  return files.some((file) => {
    try {
      return /^\s*(export\s+)?NODE_OPTIONS\s*=/m.test(fs.readFileSync(file, 'utf8'));
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

// The helper reaches these by `Runtime.evaluate`. `begin` and `end` are V8's own, bound: a program that replaces `console.profile` is not in
// the way.
function offerToHelper(ofOwnProfile) {
  const { withoutContents } = require('./board.cjs');
  const value = Object.freeze({
    ...ofOwnProfile,
    begin: console.profile.bind(console),
    end: console.profileEnd.bind(console),
    made: () => require('./made.cjs').madeOnStack(),
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

try {
  if (!require('worker_threads').isMainThread) {
    workerThread();
  } else if (process.env[VARIABLE]) {
    mainThread(JSON.parse(process.env[VARIABLE]));
  }
} catch {
  // Not sampled, then; the sampler says so when nobody has come.
}
