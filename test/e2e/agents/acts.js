// Does what it finds in its orders and writes down what came of it: acts.js <folder>
//
// Orders are lines of `<folder>/<clone>.<epoch>.orders`, one JSON object each:
//   {"id","via":"line"|"socket"|"mcp","tool","arguments"}  asks a tool
//   {"id","do":"act","text"}     does something to the world outside: a line in `<folder>/world.txt`
//   {"id","do":"connect","path"} tries to speak to a socket
//   {"id","do":"complete"}       says its last word
// Answers are lines of `<folder>/<clone>.<epoch>.answers`: {"id","answer"}. An order that waits does not keep others waiting.
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { createInterface } from "node:readline";

const [, , folder] = process.argv;
const { FACTORY_CLONE: clone, FACTORY_EPOCH: epoch, FACTORY_TOOLS_SOCKET: socket } = process.env;
const base = `${folder}/${clone}.${epoch}`;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const note = (id, answer) => appendFileSync(`${base}.answers`, `${JSON.stringify({ id, answer })}\n`);
const waiting = new Map();

createInterface({ input: process.stdin }).on("line", (text) => {
  const line = JSON.parse(text);
  if (line.type === "tool_result") waiting.get(line.id)?.(line);
  if (line.type === "cancel") process.exit(0);
});

const ways = {
  line: (order) =>
    new Promise((resolve) => {
      waiting.set(order.id, resolve);
      say({ type: "tool", id: order.id, tool: order.tool, arguments: order.arguments });
    }),
  socket: (order) => ask(socket, `/v1/tools/${order.tool}`, order.arguments),
  mcp: async (order) => (await mcp()).call(order),
};

function ask(socketPath, path, body) {
  return new Promise((resolve) => {
    const call = request({ socketPath, path, method: "POST" }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, body: JSON.parse(text) }));
    });
    call.on("error", (error) => resolve({ error: error.code }));
    call.end(JSON.stringify(body ?? {}));
  });
}

let mcpServer = null;
function mcp() {
  mcpServer ??= (async () => {
    const child = spawn(process.execPath, [process.env.FACTORY_TOOLS_MCP], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const replies = new Map();
    createInterface({ input: child.stdout }).on("line", (text) => {
      const reply = JSON.parse(text);
      replies.get(reply.id)?.(reply);
    });
    let ids = 0;
    const rpc = (method, params) =>
      new Promise((resolve) => {
        ids += 1;
        replies.set(ids, resolve);
        child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: ids, method, params })}\n`);
      });
    const hello = await rpc("initialize", {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "acts" },
    });
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`);
    const { result } = await rpc("tools/list", {});
    note("mcp", { version: hello.result.protocolVersion, tools: result.tools.map((tool) => tool.name) });
    return { call: (order) => rpc("tools/call", { name: order.tool, arguments: order.arguments }) };
  })();
  return mcpServer;
}

async function carryOut(order) {
  if (order.tool !== undefined) return ways[order.via ?? "line"](order);
  if (order.do === "act") return appendFileSync(`${folder}/world.txt`, `${epoch} ${order.text}\n`);
  if (order.do === "connect") return ask(order.path, "/v1/tools/claim_action", { action: "stolen" });
  if (order.do === "complete") return say({ type: "completed", summary: "all orders are done" });
}

let taken = 0;
setInterval(() => {
  if (!existsSync(`${base}.orders`)) return;
  const lines = readFileSync(`${base}.orders`, "utf8").split("\n").slice(0, -1);
  for (; taken < lines.length; taken += 1) {
    const order = JSON.parse(lines[taken]);
    void carryOut(order).then((answer) => note(order.id, answer ?? null));
  }
}, 20);
note("begun", { socket });
