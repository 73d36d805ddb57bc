// Spends in steps, the first at once, says so, and never completes: spends.js <ledger> <USD per step> <milliseconds per step> [first step in USD]
import { appendFileSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [, , ledger, usd, stepMs, first = usd] = process.argv;
const mission = JSON.parse(readFileSync(process.env.FACTORY_MISSION, "utf8"));
const session = mission.vp_session_id.split("/");

function note(what) {
  const ms = (process.hrtime.bigint() / 1_000_000n).toString();
  appendFileSync(ledger, `${session[0]} ${session[1]} ${ms} ${what}\n`);
}

note(`begin ${mission.budget.max_cost_usd}`);
let spent = 0;
let calls = 0;
function step() {
  spent += Number(calls === 0 ? first : usd);
  calls += 1;
  note(`spent ${spent.toFixed(3)}`);
  process.stdout.write(`${JSON.stringify({ type: "usage", llm_calls: calls, cost_usd: spent })}\n`);
}
step();
setInterval(step, Number(stepMs));

// A line that says so, or the end of the input, means: asked to end.
const input = createInterface({ input: process.stdin });
input.on("line", (text) => {
  if (JSON.parse(text).type === "cancel") process.exit(0);
});
input.on("close", () => process.exit(0));
