// Says nothing until a file named `go` appears in its workspace, then accepts and ends.
import { existsSync } from "node:fs";

console.log("starting up");
const timer = setInterval(() => {
  if (!existsSync("go")) return;
  clearInterval(timer);
  console.log(JSON.stringify({ type: "accepted" }));
  console.log(JSON.stringify({ type: "completed", summary: "done" }));
}, 10);
