// Says how many shims in reserve it can see, and ends.
import { readdirSync, readFileSync } from "node:fs";

const seen = readdirSync("/proc").filter((name) => {
  try {
    return readFileSync(`/proc/${name}/cmdline`, "utf8").includes("--in-reserve");
  } catch {
    return false;
  }
});
console.log(`SEEN ${seen.length}`);
