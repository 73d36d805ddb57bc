// Ignores everything, and leaves descendants behind that have left its session and forgotten where they came from.
import { spawn } from "node:child_process";

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => {});
const loop = "trap '' TERM INT HUP; while :; do sleep 1; done";
spawn("setsid", ["env", "-i", "PATH=/usr/bin:/bin", "setsid", "-f", "sh", "-c", loop], { stdio: "ignore" });
console.log('{"type":"progress","summary":"at work"}');
process.stdin.resume();
setInterval(() => {}, 1_000);
