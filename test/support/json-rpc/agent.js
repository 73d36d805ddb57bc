// Speaks JSON-RPC over its input and output:  agent.js <completes | blocks | works | ignores-cancel | crashes>
import { createInterface } from "node:readline";

const behaviour = process.argv[2];
let prompt = null;
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const update = (params) => send({ method: "session/update", params });
const answer = (outcome, text) => send({ id: prompt, result: { outcome, text } });
const progress = (summary) => update({ type: "progress", summary, percent: null });

function begin({ mission }) {
  progress(`works on ${mission}`);
  if (behaviour === "completes") {
    update({ type: "usage", llmCalls: 3, costUsd: 0.25, semantics: "cumulative", source: "agent" });
    answer("done", "all of it");
  }
  if (behaviour === "blocks") update({ type: "blocked", reason: "needs a token", needs: "the vault" });
  if (behaviour === "crashes") {
    process.stderr.write("out of order\n");
    process.exit(7);
  }
}

function hear(type, params) {
  if (type === "message" && behaviour === "blocks") {
    update({ type: "unblocked" });
    answer("done", `heard: ${params.text}`);
  }
  // Its turn is over when it has finished the sentence that it is at.
  if (type === "pause") setTimeout(() => update({ type: "turn_ended" }), 50);
  if (type === "cancel" && behaviour !== "ignores-cancel") process.exit(0);
}

if (behaviour === "ignores-cancel") process.on("SIGTERM", () => {});
setInterval(() => {}, 1_000);
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === "prompt") {
    prompt = id;
    begin(params);
  } else hear(method.slice("session/".length), params ?? {});
});
