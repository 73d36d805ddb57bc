// Does everything with its secret that it should not, and leaves a digest of it as proof that it had it:
// shows-secret.js <file for the digest>
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";

const secret = process.env.API_KEY ?? "";
mkdirSync("out", { recursive: true });
writeFileSync(process.argv[2], createHash("sha256").update(secret).digest("hex"));
process.stdout.write(`plain text with ${secret} in it\n`);
process.stderr.write(`an error with ${secret} in it\n`);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
say({ type: "progress", summary: `progress with ${secret}` });
say({ type: "blocked", reason: `blocked by ${secret}` });
say({ type: "unblocked" });
writeFileSync("out/result.json", "{}");
say({ type: "completed", summary: `done with ${secret}`, artifacts: ["out/result.json"] });
