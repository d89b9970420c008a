import { Worker, isMainThread } from 'worker_threads';

// What is only of types, and comments, take lines that the compiled code does not have.
interface Item {
  price: number;
}

class Cart {
  constructor(private readonly items: Item[]) {}

  total(n: number): number {
    let sum = 0;
    debugger;
    for (let i = 0; i < n; i++) {
      sum += Math.sin(i) * this.items.length;
    }
    return sum;
  }
}

const each = [
  // As above.
  (n: number): number => {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      sum += Math.cos(i);
    }
    return sum;
  },
];

if (isMainThread && process.argv[2] === 'worker') {
  new Worker(__filename);
} else {
  for (let i = 0; i < 20; i++) {
    new Cart([{ price: 1 }]).total(1e6);
    each[0](1e6);
  }
}
