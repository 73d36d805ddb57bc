/** A coding mission and its clone: a sum that subtracts, its failing test, and what judges the mended one. */
import { stringify } from "yaml";
import { cloneName } from "../support/fleet-files.ts";
import type { Files } from "../support/git.ts";

/** `agent` and `secrets`: the fields of the clone's `spec`. `callsMax`: of its budget. `approval`: of what it does outside. */
export function mendingFiles(
  name: string,
  { agent, secrets }: { readonly agent: object; readonly secrets: readonly object[] },
  { callsMax, approval = [] }: { readonly callsMax?: number; readonly approval?: readonly string[] } = {},
): Files {
  const clone = cloneName(name);
  return {
    "work/sum.mjs": "export const sum = (a, b) => a - b;\n",
    "work/sum.test.mjs": `import assert from "node:assert";
import { test } from "node:test";
import { sum } from "./sum.mjs";

test("a sum", () => assert.equal(sum(1, 2), 3));
`,
    "checks/adds.mjs": `import { sum } from "../out/sum.mjs";

process.exitCode = sum(2, 2) === 4 && sum(-1, 1) === 0 ? 0 : 1;
`,
    [`clones/${clone}.yaml`]: document("Clone", clone, {
      baseline: "ua@1.0.0",
      runtime: { driver: "process", isolation: "pidns" },
      agent,
      secrets,
      restart: { backoff: "100ms", backoff_max: "1s" },
      after_closure: "standby",
    }),
    [`missions/${name}.yaml`]: document("Mission", name, {
      mission_type: "coding",
      objective:
        "inputs/work/sum.mjs does not add, and its test fails. Hand in a mended out/sum.mjs, and say in reports/mended.json that it is mended.",
      clone,
      run: 1,
      state: "active",
      success_criteria: [
        { id: "adds", text: "it adds", check: { run: ["node", "checks/adds.mjs"], timeout_seconds: 60 } },
      ],
      inputs: [{ path: "work/" }],
      budget: { max_runtime_minutes: 30, ...(callsMax === undefined ? {} : { max_llm_calls: callsMax }) },
      constraints: { approval_required: approval },
      heartbeat_interval_seconds: 5,
      artifact_policy: { required_outputs: [{ path: "out/sum.mjs" }, { path: "reports/mended.json" }] },
      kill_switch: { engaged: false },
    }),
  };
}

function document(kind: string, name: string, spec: object): string {
  return stringify({ apiVersion: "factory/v1", kind, metadata: { name }, spec });
}
