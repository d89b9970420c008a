// Names of every kind, in a file whose types must not move a line.
import { burn } from './burn.cjs';

interface Priced {
  price(n: number): number;
}

type Step = (
  n: number,
) => number;

class Shop implements Priced {
  private readonly factor: number = 3;

  get discount(): number {
    return burn(60, this.reckon);
  }

  price(n: number): number {
    let x = 0;
    for (let i = 0; i < n; i++) {
      x += Math.sqrt(i) % this.factor;
    }
    return x;
  }

  reckon(n: number): number {
    let x = 0;
    for (let i = 0; i < n; i++) {
      x += i % 5;
    }
    return x;
  }

  static open(): Shop {
    return new Shop();
  }
}

function total(shop: Shop): number {
  const step: Step = (n) => shop.price(n);
  return burn(300, step);
}

const shop = Shop.open();
[1].map((ignored: number): number => burn(
  150, (n) => {
    let x = ignored;
    for (let i = 0; i < n; i++) {
      x += i % 11;
    }
    return x;
  },
));
total(shop);
shop.discount;
