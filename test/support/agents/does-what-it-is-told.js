// Does what its arguments say, one letter after the other: a-y a tool call of that name, A-Y the same with
// an error, "." a message, "+" progress, "*" a new artifact, "|" waits for a message, "(" begins a call that ")" ends.
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const say = (line) => console.log(JSON.stringify(line));
const heard = [];
let wake = () => {};
const input = createInterface({ input: process.stdin });
input.on("line", (text) => {
  heard.push(JSON.parse(text));
  wake();
});
input.on("close", () => process.exit(0));

let n = 0;
for (const letter of process.argv.slice(2).join("")) {
  n += 1;
  const name = letter.toLowerCase();
  if (letter === "|") {
    if (heard.length === 0)
      await new Promise((resolve) => {
        wake = resolve;
      });
    const { from, text } = heard.shift();
    say({ type: "progress", summary: `heard ${from}: ${text}` });
  } else if (letter === ".") say({ type: "message", text: `thought ${n}` });
  else if (letter === "+") say({ type: "progress", summary: `step ${n}` });
  else if (letter === "*") {
    writeFileSync(`made-${n}`, String(n));
    say({ type: "artifact", path: `made-${n}` });
  } else if (letter === "(")
    say({ type: "tool_start", id: "open", name: "a", arguments: { path: "x", request_id: n } });
  else if (letter === ")") say({ type: "tool_end", id: "open", result: `a of ${new Date().toISOString()}` });
  else {
    // Ids, times and measurements differ with every call.
    say({ type: "tool_start", id: `call-${n}`, name, arguments: { path: "x", request_id: n } });
    const outcome =
      name === letter
        ? { result: `${name} of ${new Date(n).toISOString()}` }
        : { error: `no luck, attempt ${n}` };
    say({ type: "tool_end", id: `call-${n}`, ...outcome });
  }
}
say({ type: "completed", summary: "done" });
process.exitCode = 0;
process.stdin.destroy();
