// A server of the same user, as a terminal multiplexer or a service manager is one: whoever reaches it has a program
// started by it, outside of whatever holds the asker. `runs-what-it-is-told.js <socket, @abstract or port:>…`
import { spawn } from "node:child_process";
import { createServer } from "node:net";

for (const place of process.argv.slice(2)) {
  const path = place.startsWith("@") ? `\0${place.slice(1)}` : place;
  const server = createServer((socket) => {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk;
      const mark = /^(mark-[0-9a-f]+)\n/.exec(text)?.[1];
      if (mark === undefined) return;
      spawn("sh", ["-c", "while :; do sleep 1; done", mark], { detached: true, stdio: "ignore" }).unref();
      socket.end("started\n");
    });
  });
  const listening = () => process.stdout.write(`${place}${place === "port:" ? server.address().port : ""}\n`);
  if (place === "port:") server.listen(0, "127.0.0.1", listening);
  else server.listen(path, listening);
}
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
