// Does the same thing again and again, also when it is nudged; told something by a person, it completes.
//   loops.js <ledger>
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [, , ledger] = process.argv;
const mission = JSON.parse(readFileSync(process.env.FACTORY_MISSION, "utf8"));
const [clone, epoch] = mission.vp_session_id.split("/");
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

function note(what) {
  const ms = (process.hrtime.bigint() / 1_000_000n).toString();
  appendFileSync(ledger, `${clone} ${epoch} ${ms} ${what}\n`);
}

note(`begin ${mission.mission_id}`);
let call = 0;
const timer = setInterval(() => {
  call += 1;
  say({
    type: "tool_start",
    id: `call-${call}`,
    name: "shell",
    arguments: { command: "ls", request_id: call },
  });
  note(`call ${call}`);
  say({ type: "tool_end", id: `call-${call}`, result: `README.md, listed at ${new Date().toISOString()}` });
}, 50);

const input = createInterface({ input: process.stdin });
input.on("line", (text) => {
  const line = JSON.parse(text);
  if (line.type === "cancel") process.exit(0);
  if (line.type !== "message") return;
  note(`heard ${line.from}: ${line.text}`);
  if (line.from !== "operator") return;
  clearInterval(timer);
  mkdirSync("out", { recursive: true });
  writeFileSync("out/result.json", JSON.stringify({ heard: line.text }));
  say({ type: "completed", summary: `did as told: ${line.text}`, artifacts: ["out/result.json"] });
  process.stdin.destroy();
});
input.on("close", () => {
  note("closed");
  process.exit(0);
});
