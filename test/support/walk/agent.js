// Pays an invoice once, spends on the way, and hands in a receipt: agent.js <folder> <USD in all> <USD a step> <milliseconds a step>
//
// What it did to the world outside stands in `<folder>/world.txt`, a line for each payment; what it did at all in `<folder>/log.txt`.
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";

const [, , folder, inAll, step, stepMs] = process.argv;
const { FACTORY_CLONE: clone, FACTORY_EPOCH: epoch, FACTORY_TOOLS_SOCKET: socketPath } = process.env;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const note = (what) => appendFileSync(`${folder}/log.txt`, `${clone} ${epoch} ${what}\n`);
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

// Closed input means: asked to end.
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));

note("begin");
const claim = { action: "payment", target: "invoice-7", arguments: { amount: 100 } };
for (;;) {
  const { decision, key } = await ask("claim_action", claim);
  note(`claim ${decision}`);
  if (decision === "go") {
    appendFileSync(`${folder}/world.txt`, `${clone} ${epoch} paid\n`);
    await ask("complete_action", { key, outcome: "done", result: { paid: 100 } });
  }
  if (decision === "go" || decision === "replay") break;
  await pause(200);
}
let [spent, calls] = [0, 0];
while (spent < Number(inAll) - 1e-9) {
  await pause(Number(stepMs));
  spent += Number(step);
  calls += 1;
  say({ type: "usage", llm_calls: calls, cost_usd: Number(spent.toFixed(2)) });
  note(`spent ${spent.toFixed(2)}`);
}
mkdirSync("out", { recursive: true });
writeFileSync("out/receipt.md", `# Receipt\n\nInvoice 7 is paid: 100 EUR.\n`);
note("end");
say({ type: "completed", summary: "invoice 7 is paid", artifacts: ["out/receipt.md"] });
process.stdin.destroy();
