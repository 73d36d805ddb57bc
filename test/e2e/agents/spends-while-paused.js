// Leaves its group, its session and its environment, so that a stop signal to the group misses it, and spends on
// over the output that it inherited: spends-while-paused.js <ledger> <USD per step> <milliseconds per step>
//
// A secret named API_KEY is shown on its output and left in its workspace. Every line of the ledger is `<clone> <epoch> <monotonic ms> <what>`.
import { spawn } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";

const [, , ledger, usd, stepMs, role = "agent", clone, epoch] = process.argv;
const self = process.argv[1];
const arguments_ = [self, ledger, usd, stepMs];

if (role === "agent") {
  const mission = JSON.parse(readFileSync(process.env.FACTORY_MISSION, "utf8"));
  const session = mission.vp_session_id.split("/");
  const secret = process.env.API_KEY;
  if (secret !== undefined) {
    process.stdout.write(`working with ${secret}\n`);
    writeFileSync("notes.txt", `the key is ${secret}\n`);
  }
  spawn(process.execPath, [...arguments_, "middle", ...session], {
    detached: true,
    stdio: ["ignore", "inherit", "ignore"],
    env: {},
  });
  setInterval(() => {}, 60_000);
} else if (role === "middle") {
  spawn(process.execPath, [...arguments_, "spender", clone, epoch], {
    detached: true,
    stdio: ["ignore", "inherit", "ignore"],
    env: {},
  }).unref();
} else {
  let spent = 0;
  const note = (what) => {
    const ms = (process.hrtime.bigint() / 1_000_000n).toString();
    appendFileSync(ledger, `${clone} ${epoch} ${ms} ${what}\n`);
  };
  note(`pid ${process.pid}`);
  setInterval(() => {
    spent += Number(usd);
    note(`spent ${spent.toFixed(3)}`);
    process.stdout.write(`${JSON.stringify({ type: "usage", cost_usd: spent })}\n`);
  }, Number(stepMs));
}
