'use strict';

// Where the scripts of no file were made, by `new Function` and `eval`: while they run, their thread's stack says so; see `made.cjs`.

const { LOSES_TERMINATIONS } = require('./board.cjs');

const MAX_LOOKS = 50; // each interrupts the thread for 0.1 ms
const MAX_ALL_LOOKS = 2_000;
const LOOK_MS = 8;
const ANSWER_MS = 200; // A worker thread may end meanwhile, or be in a native call.

class MadePlaces {
  /** `look` gives a promise of what `madeOnStack` gives in the thread; `tell(script, origin)` is called for what is found. */
  constructor(look, tell) {
    this.look = look;
    this.tell = tell;
    this.known = new Set(); // scripts that were looked for
    this.looks = 0;
    this.hasEnded = false;
  }

  end() {
    this.hasEnded = true;
  }

  /** Look for those of a window's frames that were not looked for before. What is evaluated would lose a termination, which Node.js 20 does not say. */
  async place(frames) {
    const isWanted = ([, url, line, , script]) => !url && script > 0 && line >= 0 && !this.known.has(script);
    const wanted = new Set(frames.filter(isWanted).map(([, , , , script]) => script));
    if (!LOSES_TERMINATIONS || this.looks > MAX_ALL_LOOKS) {
      return;
    }
    wanted.forEach((script) => this.known.add(script));
    for (let looks = 0; wanted.size && looks < MAX_LOOKS && !this.hasEnded; looks += 1) {
      this.looks += 1;
      const found = await Promise.race([this.look(), later(ANSWER_MS)]);
      if (!found) {
        return;
      }
      for (const [script, origin] of JSON.parse(found)) {
        if (wanted.delete(script)) {
          this.tell(script, origin);
        }
      }
      await later(wanted.size ? LOOK_MS : 0);
    }
  }
}

function later(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

module.exports = { MadePlaces };
