// Hands in files of every kind, and completes: hands-in.js
//
//   out/report.md      a short text; with the value of $KEY where there is one
//   out/data.bin       2.5 MiB that are the same each time
//   out/long.txt       70 KiB of text
//   out/latin1.txt     text, and not in UTF-8
//   out/empty.txt      nothing
//   notes.md           what no contract asks for
import { mkdirSync, writeFileSync } from "node:fs";

mkdirSync("out", { recursive: true });
writeFileSync("out/report.md", `# Report\n\nIt was found with ${process.env.KEY ?? "nothing"}.\n`);
const data = Buffer.alloc(2.5 * 1024 * 1024);
for (let at = 0; at < data.length; at += 4) data.writeUInt32LE((at * 2_654_435_761) % 2 ** 32, at);
writeFileSync("out/data.bin", data);
writeFileSync(
  "out/long.txt",
  "seventy bytes that are a line of a text which is longer than is shown\n".repeat(1024),
);
writeFileSync("out/latin1.txt", Buffer.from("caf\xe9\n", "latin1"));
writeFileSync("out/empty.txt", "");
writeFileSync("notes.md", "on the way\n");
const files = ["out/report.md", "out/data.bin", "notes.md"];
process.stdout.write(`${JSON.stringify({ type: "completed", summary: "handed in", artifacts: files })}\n`);
