'use strict';

// What the helper sends to the sampler: JSON in frames, over a Unix socket. What does not get through is counted as lost.

const { plain } = require('./board.cjs');

const MAX_UNSENT_BYTES = 8_000_000;
const MAX_MESSAGE_BYTES = 4_000_000;

class Outbox {
  constructor(intervalUs) {
    this.intervalUs = intervalUs;
    this.socket = undefined;
    this.isClosed = false;
    this.lost = 0; // samples that could not be handed over
  }

  /** `onAsked` is called when the sampler asks for what there is; it asks for nothing else. */
  connect(path, onAsked, onEnd) {
    // Loaded here: the program waits until there is a profile, and V8 is making ready for that.
    this.socket ??= require('net')
      .connect(path)
      .on('data', () => onAsked())
      .on('error', onEnd)
      .on('close', onEnd);
  }

  /** What is sent from now on goes in one piece, once it is let go: to read it takes the sampler half as much. */
  hold() {
    this.socket?.cork();
  }

  letGo() {
    this.socket?.uncork();
  }

  close() {
    this.isClosed = true;
    this.socket?.destroy();
  }

  /** Queue a message; false if it is too large, or the listener too far behind. */
  send(message, sent) {
    const payload = Buffer.from(JSON.stringify(message));
    if (this.isClosed || payload.length > MAX_MESSAGE_BYTES || this.socket.writableLength + payload.length > MAX_UNSENT_BYTES) {
      return false;
    }
    const header = Buffer.alloc(4);
    header.writeUInt32BE(payload.length);
    this.socket.write(Buffer.concat([header, payload]), sent);
    return true;
  }

  /** Queue a window of `compact`. */
  sendWindow(thread, name, window, { readings, waited }) {
    if (!this.send({ type: 'window', thread, name, cpuTimes: readings, waited, ...plain(window) })) {
      this.lost += window.samples.length;
    }
    this.sendLost();
  }

  /** Queue a script's source map; without one, that its lines are not those of its file. */
  sendMap(url, map) {
    this.send({ type: 'map', url, map, folder: process.cwd() });
  }

  /** Count CPU time of which there is no profile. */
  lose(usedNs) {
    this.lost += Math.round(usedNs / 1000 / this.intervalUs);
  }

  sendLost() {
    if (this.lost && this.send({ type: 'lost', samples: this.lost })) {
      this.lost = 0;
    }
  }
}

module.exports = { Outbox };
