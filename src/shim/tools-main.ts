#!/usr/bin/env node
/**
 * factory-tools: the tools of the shim as an MCP server on standard input and
 * output, for agents that know MCP. Finds the shim by FACTORY_TOOLS_SOCKET, which every agent is given.
 */
import { request } from "node:http";
import { splitLines } from "./agents/lines.ts";
import { type Called, createMcpServer } from "./tools/mcp.ts";

const EXIT_UNUSABLE = 64;
const VERSION = "1";
/** Longer than any wait that a tool allows. */
const CALL_TIMEOUT_MS = 660_000;

function main(): void {
  const socket = process.env["FACTORY_TOOLS_SOCKET"];
  if (socket === undefined || socket === "") {
    process.stderr.write(
      "factory-tools: FACTORY_TOOLS_SOCKET is not set; this program is started by an agent of a clone\n",
    );
    process.exit(EXIT_UNUSABLE);
  }
  const server = createMcpServer({ version: VERSION, call: (...call) => callShim(socket, ...call) });
  let under = 0;
  let ended = false;
  const leaveWhenDone = (): void => {
    if (ended && under === 0) process.exit(0);
  };
  const take = async (line: string): Promise<void> => {
    if (line.trim() === "") return;
    under += 1;
    const reply = await server.take(line);
    if (reply !== null) process.stdout.write(`${reply}\n`);
    under -= 1;
    leaveWhenDone();
  };
  const lines = splitLines({
    line: (text) => void take(text),
    piece: (text) =>
      process.stderr.write(`factory-tools: a line of ${text.length} characters or more is no message\n`),
  });
  process.stdin.on("data", (chunk: Buffer) => lines.push(chunk));
  process.stdin.on("end", () => {
    lines.end();
    ended = true;
    leaveWhenDone();
  });
}

/** Rejects only for what is nobody's answer; that becomes an answer of ours, and never a permission. */
async function callShim(
  socketPath: string,
  name: string,
  given: unknown,
  signal: AbortSignal,
): Promise<Called> {
  const body = JSON.stringify(given);
  try {
    return await new Promise<Called>((resolve, reject) => {
      const call = request(
        {
          socketPath,
          method: "POST",
          path: `/v1/tools/${name}`,
          headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
          signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.on("error", reject);
          answer.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            resolve({ ok: answer.statusCode === 200, body: JSON.parse(text) as unknown });
          });
        },
      );
      call.on("error", reject);
      call.end(body);
    });
  } catch (error) {
    const message = `the shim did not answer (${error instanceof Error ? error.message : String(error)}); do not do it, ask again later`;
    return { ok: false, body: { code: "unavailable", message } };
  }
}

main();
