// Pays once, as far as the ledger lets it: claims, and does to the world outside only what it is told to go and do.
//
//   pays.js <folder> [wait]   a line of `<folder>/world.txt` is a payment; with `wait` it claims once `<folder>/go` is there
import { appendFileSync, existsSync } from "node:fs";
import { request } from "node:http";

const [, , folder, wait] = process.argv;
const { FACTORY_CLONE: clone, FACTORY_EPOCH: epoch, FACTORY_TOOLS_SOCKET: socketPath } = process.env;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function ask(tool, body) {
  return new Promise((resolve) => {
    const call = request({ socketPath, path: `/v1/tools/${tool}`, method: "POST" }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += chunk));
      answer.on("end", () => resolve(JSON.parse(text)));
    });
    call.on("error", (error) => resolve({ error: error.code }));
    call.end(JSON.stringify(body));
  });
}

while (wait !== undefined && !existsSync(`${folder}/go`)) await pause(50);
const claim = { action: "payment", target: "invoice-7", arguments: { amount: 100 } };
for (;;) {
  const { decision, key } = await ask("claim_action", claim);
  appendFileSync(`${folder}/asked.txt`, `${clone} ${epoch} ${decision}\n`);
  if (decision === "go") {
    appendFileSync(`${folder}/world.txt`, `${clone} ${epoch} paid\n`);
    await ask("complete_action", { key, outcome: "done", result: { paid: 100 } });
  }
  if (decision === "go" || decision === "replay") break;
  await pause(500);
}
say({ type: "completed", summary: "the invoice is paid" });
setInterval(() => {}, 60_000);
