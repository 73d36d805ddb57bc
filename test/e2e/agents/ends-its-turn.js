// Spends in steps. Told to pause it makes some steps more and says that its turn has ended; told to resume it goes on:
// ends-its-turn.js <ledger> <USD per step> <milliseconds per step> <steps until its turn ends>
import { appendFileSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [, , ledger, usd, stepMs, stepsLeft] = process.argv;
const mission = JSON.parse(readFileSync(process.env.FACTORY_MISSION, "utf8"));
const session = mission.vp_session_id.split("/");
let spent = 0;
let left = Number.POSITIVE_INFINITY;

function note(what) {
  const ms = (process.hrtime.bigint() / 1_000_000n).toString();
  appendFileSync(ledger, `${session[0]} ${session[1]} ${ms} ${what}\n`);
}

note(`pid ${process.pid}`);
setInterval(() => {
  if (left === 0) return;
  spent += Number(usd);
  left -= 1;
  note(`spent ${spent.toFixed(3)}`);
  process.stdout.write(`${JSON.stringify({ type: "usage", cost_usd: spent })}\n`);
  if (left === 0) process.stdout.write(`${JSON.stringify({ type: "turn_ended" })}\n`);
}, Number(stepMs));

const input = createInterface({ input: process.stdin });
input.on("line", (text) => {
  const { type } = JSON.parse(text);
  note(`heard ${type}`);
  if (type === "pause") left = Number(stepsLeft);
  if (type === "resume") left = Number.POSITIVE_INFINITY;
});
input.on("close", () => process.exit(0));
