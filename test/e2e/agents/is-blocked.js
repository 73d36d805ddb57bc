// Is blocked for the same reason as often as it is asked to be, and for another one before; told something, it goes on and completes.
//   is-blocked.js <ledger> <times>
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [, , ledger, times] = process.argv;
const mission = JSON.parse(readFileSync(process.env.FACTORY_MISSION, "utf8"));
const [clone, epoch] = mission.vp_session_id.split("/");
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

function note(what) {
  const ms = (process.hrtime.bigint() / 1_000_000n).toString();
  appendFileSync(ledger, `${clone} ${epoch} ${ms} ${what}\n`);
}

note(`begin ${mission.mission_id}`);
say({ type: "blocked", reason: "the disk is almost full" });
for (let attempt = 1; attempt <= Number(times); attempt += 1) {
  say({
    type: "blocked",
    reason: `request req_${attempt}f3a9c01d${attempt} to the registry was refused with 40${attempt}`,
    needs: "a read token",
  });
}

const input = createInterface({ input: process.stdin });
input.on("line", (text) => {
  const line = JSON.parse(text);
  if (line.type !== "message") return;
  note(`heard ${line.from}: ${line.text}`);
  say({ type: "unblocked" });
  if (line.text.startsWith("again")) {
    say({ type: "blocked", reason: "the registry is closed for today" });
    return;
  }
  mkdirSync("out", { recursive: true });
  writeFileSync("out/result.json", JSON.stringify({ heard: line.text }));
  say({ type: "completed", summary: `did as told: ${line.text}`, artifacts: ["out/result.json"] });
  process.stdin.destroy();
});
input.on("close", () => {
  note("closed");
  process.exit(0);
});
