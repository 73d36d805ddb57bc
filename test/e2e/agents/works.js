// Works in steps, writes down each of them, and completes: works.js <ledger> <steps> <milliseconds per step> [quiet]
//
// One that is quiet says nothing until it completes.
// Every line of the ledger is `<clone> <epoch> <monotonic ms> <what>`. Time is
// the machine's monotonic clock, so that lines of two processes can be put in order.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const [, , ledger, steps, stepMs, quiet] = process.argv;
const mission = JSON.parse(readFileSync(process.env.FACTORY_MISSION, "utf8"));
const session = mission.vp_session_id.split("/");
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

function note(what) {
  const ms = (process.hrtime.bigint() / 1_000_000n).toString();
  appendFileSync(ledger, `${session[0]} ${session[1]} ${ms} ${what}\n`);
}

note(`begin ${mission.mission_id}`);
let step = 0;
const timer = setInterval(() => {
  step += 1;
  note(`step ${step}`);
  const percent = Math.round((100 * step) / Number(steps));
  if (quiet !== "quiet") say({ type: "progress", summary: `step ${step} of ${steps}`, percent });
  if (step < Number(steps)) return;
  clearInterval(timer);
  mkdirSync("out", { recursive: true });
  writeFileSync("out/result.json", JSON.stringify({ mission: mission.mission_id, steps: step }));
  note(`end ${mission.mission_id}`);
  say({ type: "completed", summary: "all steps done", artifacts: ["out/result.json"] });
  process.stdin.destroy();
}, Number(stepMs));

// The end of the input means: asked to end.
process.stdin.resume();
process.stdin.on("end", () => {
  note("cancelled");
  process.exit(0);
});
