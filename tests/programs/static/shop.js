#!/usr/bin/env node
'use strict';
const fs = require('fs');
const lazy = () => import('node:path');
export { x } from './x.mjs';
import def, * as all from "all";

class Shop extends Base {
  #goods = [];
  onSale = (price = 1, { tax = 2, code: [first] = [] } = {}) => price ?? tax;
  constructor(goods) { super(); this.sell = function () { goods ||= []; }; }
  get total() { return this.#goods?.length ? 1 : 2; }
  static async *stream() { for await (const good of this) yield good; }
  ['computed' + 1]() {}
}

function Old() { this.age = () => {}; }
Old.prototype.grow = function () { do { this.x &&= 1; } while (this.x && !this.y); };

exports.list = [1, 2].map((item) => {
  switch (item) {
    case 1:
    case 2: return /if (x) {/;
    default: return `${item ? 'if' : 'for'}`;
  }
});

(function () {
  try { lazy(); } catch { return; } finally { fs.x.catch(); }
})();
const Anonymous = class { run() {} };
if (require.main) lazy().catch(() => {});
