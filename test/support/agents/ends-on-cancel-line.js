// Ends when it is told to, and goes on when its input merely ends.
import { createInterface } from "node:readline";

console.log('{"type":"progress","summary":"at work"}');
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line.includes("cancel")) process.exit(0);
});
setInterval(() => {}, 1_000);
