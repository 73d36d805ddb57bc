// Works in steps that it notes in `worked`; told to pause it ends its turn first, told to resume it goes on.
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

const STEP_MS = 20;
const work = () => setInterval(() => appendFileSync("worked", "."), STEP_MS);
let working = work();

const input = createInterface({ input: process.stdin });
input.on("line", (text) => {
  const line = JSON.parse(text);
  appendFileSync("heard", `${text}\n`);
  if (line.type === "pause") {
    clearInterval(working);
    appendFileSync("worked", "|");
    console.log(JSON.stringify({ type: "turn_ended" }));
  }
  if (line.type === "resume") working = work();
});
input.on("close", () => process.exit(0));
