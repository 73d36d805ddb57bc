// Says everything that an agent can say, leaves an artifact, and ends with success.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const mission = JSON.parse(readFileSync(process.env.FACTORY_MISSION, "utf8"));
say({ type: "accepted" });
console.log(`plain text about ${mission.mission_id}`);
say({ type: "progress", summary: "half of it", percent: 50 });
say({ type: "tool_start", id: "write", deadline_seconds: 5 });
mkdirSync("reports", { recursive: true });
writeFileSync("reports/result.txt", `${mission.objective}\n`);
say({ type: "tool_end", id: "write" });
say({ type: "usage", llm_calls: 3, cost_usd: 0.25 });
say({ type: "artifact", path: "reports/result.txt" });
say({ type: "artifact", path: "../outside.txt" });
say({ type: "completed", summary: "all of it", artifacts: ["reports/result.txt"] });
