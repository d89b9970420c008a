// What takes more than stripping types: an enum, and a parameter property.
enum Unit {
  Gram = 1,
  Pound = 454,
}

interface Item {
  grams: number;
}

class Scale {
  constructor(private readonly unit: Unit) {}

  weigh(items: Item[]): number {
    let sum = 0;
    for (const item of items) {
      sum += Math.sqrt(item.grams / this.unit);
    }
    return sum;
  }
}

const items: Item[] = Array.from({ length: 1e5 }, (_, grams) => ({ grams }));

function weighFor(ms: number): number {
  let sum = 0;
  for (const until = Date.now() + ms; Date.now() < until; ) {
    sum += new Scale(Unit.Pound).weigh(items);
  }
  return sum;
}

console.log(weighFor(500) > 0);
