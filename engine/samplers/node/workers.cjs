'use strict';

// The program's worker threads, which take their profiles themselves; see `thread.cjs`. They are heard of by what they broadcast, and
// asked for windows through the main thread's session.

const { threadId, workerData } = require('worker_threads');
const { WORDS, wordsOf, nowUs, makeGood, LOSES_TERMINATIONS } = require('./board.cjs');
const { CpuTimes } = require('./cpu_times.cjs');
const { MadePlaces } = require('./made_places.cjs');

const { key, board, pollMs, takesCpuTimes } = workerData;
const IDLE_NS = 1_000_000;
// A thread that was heard of in one way is to be heard of in the other by then: a window that was sent, a preload that ran.
const HEARD_MS = 250;
const SEEN_MS = 2_000;
// A worker thread hands over by itself, once a second, whenever its event loop turns. One that does not for so long is asked: seldom
// where a timeout of `vm` that meets it cannot be made good.
const LOOPLESS_US = LOSES_TERMINATIONS ? 5_000_000 : 60_000_000;
const MAX_THREADS = 256;

class Workers {
  constructor(outbox) {
    this.outbox = outbox;
    this.session = undefined;
    this.threads = new Map(); // a worker thread's number -> WorkerThread
    this.attached = new Map(); // a worker thread's number -> the inspector's session, and the thread's name
    this.replies = new Map(); // number of a call into a worker thread -> what takes its answer
    this.calls = 0;
  }

  /** Follow the threads by a session that is about to be connected. */
  listen(session) {
    this.session = session;
    this.attached.clear();
    session.on('NodeWorker.attachedToWorker', ({ params }) => this.attach(params));
    session.on('NodeWorker.receivedMessageFromWorker', ({ params: { message } }) => {
      const reply = JSON.parse(message);
      this.replies.get(reply.id)?.(reply);
      this.replies.delete(reply.id);
    });
    session.on('NodeWorker.detachedFromWorker', ({ params: { sessionId } }) => {
      for (const [id, worker] of this.attached) {
        if (worker.sessionId === sessionId) {
          this.attached.delete(id);
          this.threads.get(id)?.settle();
        }
      }
    });
  }

  attach({ sessionId, workerInfo }) {
    // `workerId` counts sessions, not threads.
    const [, number, name] = /^\[worker (\d+)\] ?(.*)$/s.exec(workerInfo.title) ?? [];
    const id = Number(number);
    if (id === threadId) {
      this.session.post('NodeWorker.detach', { sessionId });
      return;
    }
    this.attached.set(id, { sessionId, name: name === 'WorkerThread' ? '' : name });
    this.claim(id);
    setTimeout(() => {
      if (this.attached.get(id)?.sessionId === sessionId && !this.attached.get(id).isHeard) {
        this.outbox.send({ type: 'unseen', thread: seen(id) });
      }
    }, SEEN_MS).unref();
  }

  /** What a thread, or the one that terminates it, broadcasts; gives whether it is of a thread that was not known. */
  hear(message) {
    const { id } = message;
    if (this.attached.has(id)) {
      this.attached.get(id).isHeard = true;
    }
    if (message.kernelId && message.isSampling) {
      return this.meet(message);
    }
    if (message.begun && !this.threads.has(id)) {
      // It began before there was a helper.
      this.meet({ ...message, reading: message.begun });
    }
    const worker = this.threads.get(id);
    if (message.isTerminated) {
      worker?.cpuTimes.add(nowUs(), message.used);
      void worker?.leave();
    } else {
      worker?.receive(message);
    }
    return false;
  }

  meet({ id, kernelId, reading }) {
    if (this.threads.size >= MAX_THREADS) {
      return false;
    }
    this.threads.set(id, new WorkerThread(this, id, new CpuTimes(kernelId, pollMs, takesCpuTimes, reading)));
    this.outbox.send({ type: 'thread', thread: seen(id), tid: kernelId, beforeNs: reading[1] ?? 0 });
    this.claim(id);
    return true;
  }

  /** Whoever terminates a thread that can be asked leaves it to us to do so. */
  claim(id) {
    if (this.attached.has(id) && this.threads.has(id)) {
      Atomics.store(wordsOf(board, id), WORDS.CLAIMED, 1);
    }
  }

  forget(id) {
    this.threads.get(id)?.cpuTimes.close();
    this.threads.delete(id);
  }

  /** A thread that is gone: its last window may still be on its way, or was never made. */
  seeGone() {
    for (const worker of this.threads.values()) {
      if (worker.cpuTimes.isClosed && !worker.isGone) {
        worker.isGone = true;
        setTimeout(() => {
          if (!worker.hasLeft && this.threads.get(worker.id) === worker) {
            this.outbox.lose(worker.cpuTimes.sinceTaken());
            this.outbox.sendLost();
            this.forget(worker.id);
          }
        }, HEARD_MS).unref();
      }
    }
  }
}

/** The number of a thread as the program has it; see `thread_ids.cjs`. */
function seen(id) {
  return id > threadId ? id - 1 : id;
}

class WorkerThread {
  constructor(all, id, cpuTimes) {
    this.all = all;
    this.id = id;
    this.cpuTimes = cpuTimes;
    this.nextWindowUs = nowUs() + LOOPLESS_US;
    this.waiting = []; // for what it was asked to hand over
    this.hasLeft = false;
    this.isGone = false;
    this.sending = Promise.resolve(); // of windows, in their order
    const tell = (script, origin) => all.outbox.send({ type: 'made', thread: seen(id), script, origin });
    this.made = new MadePlaces(() => this.evaluate('made'), tell);
  }

  mayRotate() {
    return !takesCpuTimes || this.cpuTimes.sinceTaken() >= IDLE_NS;
  }

  rotate() {
    return this.ask('rotate');
  }

  leave() {
    this.made.end();
    return this.ask('leave');
  }

  /** Have the thread hand over; gives when it has, or cannot. */
  ask(what) {
    const isAsked = this.waiting.length > 0 && what === 'rotate';
    this.nextWindowUs = nowUs() + LOOPLESS_US;
    if (!this.all.attached.has(this.id) || this.hasLeft) {
      return Promise.resolve();
    }
    const asked = new Promise((resolve) => this.waiting.push(resolve));
    if (!isAsked) {
      void this.evaluate(what).then(() => setTimeout(() => this.settle(), HEARD_MS).unref());
    }
    return asked;
  }

  /** The value that a function of `thread.cjs` gives in the thread, or undefined; no answer if the thread ends meanwhile. */
  evaluate(what) {
    const expression = `globalThis[Symbol.for(${JSON.stringify(key)})]?.${what}()\n//# sourceURL=${key}`;
    return new Promise((resolve) => {
      this.post('Runtime.evaluate', { expression, silent: true, returnByValue: true }, ({ error, result }) => {
        makeGood(error, (method) => this.post(method, {}, () => {}));
        resolve(result?.result.value);
      });
    });
  }

  settle() {
    this.waiting.splice(0).forEach((resolve) => resolve());
  }

  post(method, params, take) {
    const { session, attached, replies } = this.all;
    this.all.calls += 1;
    const { calls } = this.all;
    replies.set(calls, take);
    const message = JSON.stringify({ id: calls, method, params });
    session.post('NodeWorker.sendMessageToWorker', { sessionId: attached.get(this.id)?.sessionId, message }, (error) => {
      if (error) {
        take({ error });
      }
    });
  }

  /** What the thread sent of itself. */
  receive({ window, maps, reading, isLast }) {
    const { outbox, attached } = this.all;
    this.cpuTimes.add(...reading);
    maps.forEach(({ url, map }) => outbox.sendMap(url, map));
    if (window) {
      const cpuTimes = this.cpuTimes.take();
      const name = attached.get(this.id)?.name ?? '';
      const canLook = attached.has(this.id) && !isLast;
      this.sending = this.sending
        .then(() => canLook && this.made.place(window.frames))
        .then(() => outbox.sendWindow(seen(this.id), name, window, cpuTimes));
    }
    this.nextWindowUs = nowUs() + LOOPLESS_US;
    if (isLast) {
      this.made.end();
      this.hasLeft = true;
      this.all.forget(this.id);
    }
    void this.sending.then(() => this.settle());
  }
}

module.exports = { Workers };
