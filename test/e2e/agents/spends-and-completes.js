// Works, and after a while says in one breath what it has used and that it is done: spends-and-completes.js <ledger> <USD> <milliseconds>
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const [, , ledger, usd, afterMs] = process.argv;
const mission = JSON.parse(readFileSync(process.env.FACTORY_MISSION, "utf8"));
const session = mission.vp_session_id.split("/");

function note(what) {
  const ms = (process.hrtime.bigint() / 1_000_000n).toString();
  appendFileSync(ledger, `${session[0]} ${session[1]} ${ms} ${what}\n`);
}

note(`begin ${mission.mission_id}`);
setTimeout(() => {
  mkdirSync("out", { recursive: true });
  writeFileSync("out/result.json", "{}");
  note(`spent ${usd}`);
  const lines = [
    { type: "usage", llm_calls: 1, cost_usd: Number(usd) },
    { type: "completed", summary: "done at any price", artifacts: ["out/result.json"] },
  ];
  process.stdout.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}, Number(afterMs));
setInterval(() => {}, 60_000);
