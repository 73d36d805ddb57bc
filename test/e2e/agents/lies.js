// Lies about what it has used, and works on: lies.js <ledger> <file whose existence makes it say the truth>
//
// It says 1 dollar, then less, less than nothing, no number at all, more than there is; in the end 99 dollars.
import { appendFileSync, existsSync, readFileSync } from "node:fs";

const [, , ledger, told] = process.argv;
const mission = JSON.parse(readFileSync(process.env.FACTORY_MISSION, "utf8"));
const [clone, epoch] = mission.vp_session_id.split("/");
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const lies = [1, 0.2, -5, "nothing", null, 1e300, 0.9];
let step = 0;

setInterval(() => {
  const ms = (process.hrtime.bigint() / 1_000_000n).toString();
  const cost = existsSync(told) ? 99 : lies[step % lies.length];
  step += 1;
  appendFileSync(ledger, `${clone} ${epoch} ${ms} step ${step} says ${cost}\n`);
  say({ type: "usage", llm_calls: step % 2 === 0 ? -1 : 3, cost_usd: cost });
}, 50);

// The end of the input means: asked to end.
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
