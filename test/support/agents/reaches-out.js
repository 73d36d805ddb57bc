// Says what of its surroundings it reaches: `reaches-out.js <port>`. The answer is `reached.json` in its workspace.
import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";

const port = Number(process.argv[2]);

const tcp = await new Promise((resolve) => {
  const socket = connect({ port, host: "127.0.0.1" }, () => {
    socket.destroy();
    resolve("reached");
  });
  socket.on("error", (error) => resolve(error.code));
});
const tools = await new Promise((resolve) => {
  const call = request({ socketPath: process.env.FACTORY_TOOLS_SOCKET, path: "/v1/tools" }, (answer) => {
    answer.resume();
    resolve(answer.statusCode);
  });
  call.on("error", (error) => resolve(error.code));
  call.end();
});
const attempt = (act) => {
  try {
    return act();
  } catch (error) {
    return error.code ?? String(error.status);
  }
};
writeFileSync(`${process.env.HOME}/kept`, "");
writeFileSync("/tmp/scratch", "");
writeFileSync(
  "reached.json",
  JSON.stringify({
    tcp,
    tools,
    home: readdirSync(process.env.HOME),
    tmp: readdirSync("/tmp").filter((name) => name === "scratch"),
    run: attempt(() => readdirSync("/run").length),
    node: attempt(() => execFileSync("node", ["-p", "1"], { encoding: "utf8" }).trim()),
    mcp: attempt(() =>
      execFileSync(process.execPath, [process.env.FACTORY_TOOLS_MCP], {
        input: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n',
        encoding: "utf8",
      }).includes("claim_action"),
    ),
    cwd: process.cwd(),
    pwd: process.env.PWD,
    uid: process.getuid(),
  }),
);
process.stdout.write('{"type":"completed","summary":"looked"}\n');
