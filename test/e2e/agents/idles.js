// Says the same thing again and again and gets nowhere, until its input ends:  idles.js <ledger>
import { appendFileSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [, , ledger] = process.argv;
const mission = JSON.parse(readFileSync(process.env.FACTORY_MISSION, "utf8"));
const [clone, epoch] = mission.vp_session_id.split("/");

function note(what) {
  const ms = (process.hrtime.bigint() / 1_000_000n).toString();
  appendFileSync(ledger, `${clone} ${epoch} ${ms} ${what}\n`);
}

note(`begin ${mission.mission_id}`);
setInterval(() => console.log(JSON.stringify({ type: "progress", summary: "still at it" })), 200);
const input = createInterface({ input: process.stdin });
input.on("line", (text) => {
  const line = JSON.parse(text);
  if (line.type === "cancel") process.exit(0);
  if (line.type === "message") note(`heard ${line.from}: ${line.text}`);
});
input.on("close", () => process.exit(0));
