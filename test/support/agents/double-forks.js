// Leaves its group, its session and its environment: a grandchild with a session of its own and
// nothing in its environment, which ignores SIGTERM. Writes the grandchild's pid, as it sees it, to escaped.pid.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

if (process.argv[2] === "middle") {
  const grandchild = spawn(
    "/bin/sh",
    ["-c", "trap '' TERM HUP INT; while :; do sleep 1; done", "escaped-grandchild"],
    {
      detached: true,
      stdio: "ignore",
      env: {},
    },
  );
  grandchild.unref();
  writeFileSync("escaped.pid", String(grandchild.pid));
} else {
  process.on("SIGTERM", () => {});
  const middle = spawn(process.execPath, [process.argv[1], "middle"], { detached: true, stdio: "ignore" });
  middle.on("exit", () => console.log(JSON.stringify({ type: "progress", summary: "forked twice" })));
  setInterval(() => {}, 60_000);
}
