// Takes what it is told to: takes-much.js memory <MiB> | processes <how many> | disk <MiB>; then it says so and stays.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

const [, , what, much] = process.argv;
const MIB = 1024 * 1024;
const kept = [];
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

if (what === "memory") {
  for (let mib = 0; mib < Number(much); mib += 16) kept.push(Buffer.alloc(16 * MIB, 1));
} else if (what === "processes") {
  let refused = 0;
  for (let n = 0; n < Number(much); n += 1) {
    try {
      const child = spawn("sleep", ["60"], { stdio: "ignore" });
      child.on("error", () => {});
      if (child.pid === undefined) refused += 1;
    } catch {
      refused += 1;
    }
  }
  writeFileSync("refused", String(refused));
} else if (what === "disk") {
  writeFileSync("large", Buffer.alloc(Number(much) * MIB, 1));
}
say({ type: "progress", summary: `has ${much} of ${what}` });
setInterval(() => {}, 60_000);
