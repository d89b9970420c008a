// Run by tsx on Node 20: slowSquare begins in line 4, slowText in line 12, and each of their lines has its own part of the time.
interface Point { x: number; y: number }

function slowSquare(n: number): number {
  let s = 0;
  for (let i = 0; i < n; i++) {
    s += Math.sqrt(i) * Math.sin(i);
  }
  return s;
}

function slowText(n: number): string {
  let t = "";
  for (let i = 0; i < n; i++) {
    t = (t + i.toString(36)).slice(-2000);
    t = t.split("").reverse().join("");
  }
  return t;
}

const end = Date.now() + 1500;
const p: Point = { x: 0, y: 0 };
while (Date.now() < end) {
  p.x += slowSquare(200000);
  p.y += slowText(200).length;
}
console.log(p.x !== 0, p.y);
