// Tidies up for a while when it is told to cancel, and does not hear that its input ends.
// Says on its last line whether it was given the time.
import { createInterface } from "node:readline";

const TIDIES_MS = 400;
process.stdout.write(`${JSON.stringify({ type: "progress", summary: "ready" })}\n`);
setInterval(() => {}, 1_000);
let closed = false;
createInterface({ input: process.stdin })
  .on("line", (line) => {
    if (!line.includes("cancel")) return;
    setTimeout(() => {
      process.stdout.write(closed ? "was cut short\n" : "tidied up\n");
      process.exit(0);
    }, TIDIES_MS);
  })
  .on("close", () => {
    closed = true;
  });
