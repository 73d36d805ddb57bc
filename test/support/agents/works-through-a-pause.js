// Works in steps that it notes in `worked`, whatever it is told; ends on SIGTERM.
import { appendFileSync } from "node:fs";

const STEP_MS = 20;
setInterval(() => appendFileSync("worked", "."), STEP_MS);
