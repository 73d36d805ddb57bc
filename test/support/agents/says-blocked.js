// Is blocked for a reason, and waits for an answer; with one it goes on and completes. Ends with its input.
import { createInterface } from "node:readline";

const say = (line) => console.log(JSON.stringify(line));
say({ type: "blocked", reason: "no credentials for the registry", needs: "a token" });
const input = createInterface({ input: process.stdin });
input.on("line", (text) => {
  const line = JSON.parse(text);
  if (line.type !== "message") return;
  say({ type: "unblocked" });
  say({ type: "progress", summary: `${line.from} says: ${line.text}` });
  setTimeout(() => {
    say({ type: "completed" });
    process.exit(0);
  }, 300);
});
input.on("close", () => process.exit(0));
