import type { A } from "./a";
import fs = require("fs");

interface Goods { price(): number; tax?: number }
type Pick1<T> = T extends string ? 1 : 2;
declare function external(x?: number): void;
enum Size { Small, Large }

abstract class Shop<T extends object = {}> implements Goods {
  private sold?: (good: T) => void = (good) => { if (good) return; };
  constructor(public readonly name = "shop", private tax?: number) {}
  abstract open(): void;
  price(): number;
  price(x?: number): number { return x! as number || <any>0; }
}

namespace Inner {
  export const visit = async <T,>(x: T): Promise<void> => { for (const y in x) { } };
}

function sum(a: number): number;
function sum(a: number, ...rest: number[]): number {
  return rest?.length ? a : rest[0] ?? a;
}
export default function () { while (fs) { } }
