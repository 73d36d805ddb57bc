// Calls its model so many times, as many at once as it is told, with what its environment says; leaves a mark for each answer.
import { appendFileSync, readdirSync, readFileSync } from "node:fs";

const past = process.argv.at(-1);
const [total = "1", atOnce = "1"] = process.argv.slice(2, -1);
const { ANTHROPIC_BASE_URL: base, API_KEY: key } = process.env;
let left = Number(total);

async function one() {
  const answer = await fetch(`${base}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json" },
    body: JSON.stringify({ model: "claude-sonnet-4-5", stream: true, max_tokens: 5, messages: [] }),
  });
  const text = await answer.text();
  appendFileSync("answers", `${answer.status}\n`);
  if (answer.status !== 200) console.log(`refused ${text}`);
}

async function worker() {
  while (left > 0) {
    left -= 1;
    await one();
  }
}

// What it can see of the other processes of its world.
function everythingAround() {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) =>
      ["environ", "cmdline"].map((file) => {
        try {
          return readFileSync(`/proc/${pid}/${file}`, "latin1");
        } catch {
          return "";
        }
      }),
    )
    .join("\n");
}

console.log(`AROUND ${Buffer.from(everythingAround()).toString("hex")}`);
const direct = await fetch(past).then(
  () => "REACHED",
  (error) => error.cause?.code,
);
console.log(`DIRECT ${direct}`);
// It tells a story about itself.
console.log(JSON.stringify({ type: "usage", llm_calls: 1, cost_usd: 0 }));
await Promise.all(Array.from({ length: Number(atOnce) }, worker));
console.log(JSON.stringify({ type: "completed", summary: `${total} calls` }));
