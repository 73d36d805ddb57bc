// Works until a file appears, and completes: works-until-told.js <ledger> <file> <clone> [looks per report, 10 unless said]
//
// Every line of the ledger is `<clone> <epoch> <monotonic ms> <what>`.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const [, , ledger, told, , looksPerReport = 10] = process.argv;
const mission = JSON.parse(readFileSync(process.env.FACTORY_MISSION, "utf8"));
const session = mission.vp_session_id.split("/");
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

function note(what) {
  const ms = (process.hrtime.bigint() / 1_000_000n).toString();
  appendFileSync(ledger, `${session[0]} ${session[1]} ${ms} ${what}\n`);
}

note(`begin ${mission.mission_id}`);
let looks = 0;
const timer = setInterval(() => {
  looks += 1;
  if (looks % Number(looksPerReport) === 0)
    say({ type: "progress", summary: `looked ${looks} times`, llm_calls: looks });
  if (!existsSync(told)) return;
  clearInterval(timer);
  mkdirSync("out", { recursive: true });
  writeFileSync("out/result.json", JSON.stringify({ mission: mission.mission_id, looks }));
  note(`end ${mission.mission_id}`);
  say({ type: "completed", summary: "it was told", artifacts: ["out/result.json"] });
  process.stdin.destroy();
}, 100);

// The end of the input means: asked to end.
process.stdin.resume();
process.stdin.on("end", () => {
  note("cancelled");
  process.exit(0);
});
