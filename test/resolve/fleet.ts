import { parseTree } from "../../src/documents/read-documents.ts";
import { type Resolved, resolveFleet } from "../../src/resolve/resolve.ts";
import { type TestFile, tree } from "../documents/repository.ts";

export const REVISION = "1".repeat(40);
export const CLONE_FILE = "clones/factory_license-audit_20261123.yaml";
export const MISSION_FILE = "missions/license-audit.yaml";
export const OVERLAY_FILE = "overlays/license-audit/overlay.yaml";
export const STRICT_FILE = "overlays/strict/overlay.yaml";
export const BASELINE_FILE = "overlays/ua-core/baseline.yaml";

export type Files = Readonly<Record<string, TestFile>>;

/** A small fleet in which everything is used: one baseline, two overlays, one clone, one mission. */
export const FILES: Files = {
  "fleet.yaml": `apiVersion: factory/v1
kind: Fleet
metadata: {name: sample}
spec:
  caps: {max_runtime_minutes: 120, max_cost_usd: 20, max_llm_calls: 2000, max_parallel_missions: 4}
  defaults: {isolation: pidns, heartbeat_interval_seconds: 20}
  approval_rules: [{action: repository_write, approvers: [simone]}]
`,
  [MISSION_FILE]: `apiVersion: factory/v1
kind: Mission
metadata: {name: license-audit, labels: {team: platform}}
spec:
  mission_type: research
  objective: List every package.
  clone: factory_license-audit_20261123
  success_criteria:
    - {id: complete, text: all are listed, check: {run: [node, checks/complete.js]}}
  inputs: [{path: package-lock.json}, {path: docs/}]
  budget: {max_runtime_minutes: 30}
  artifact_policy: {required_outputs: [{path: reports/a.json, schema: schemas/artifacts/a.schema.json}]}
`,
  [CLONE_FILE]: `apiVersion: factory/v1
kind: Clone
metadata: {name: factory_license-audit_20261123}
spec:
  baseline: ua-core@1.0.0
  overlays: [license-audit, strict]
  runtime: {driver: process}
  agent: {adapter: command, command: [node, agent.js], env: {LOG: debug}}
  restart: {period: 5m}
`,
  [OVERLAY_FILE]: `apiVersion: factory/v1
kind: Overlay
metadata: {name: license-audit}
spec:
  base_profile: ua-core@1.0.0
  agents: {enable: [license-auditor], disable: [coder]}
  skills: {enable: [license-audit]}
  prompt_overlays: {identity: prompts/identity.md, policy: [prompts/policy.md], remove_policies: [style]}
  limits: {max_runtime_minutes: 60, approval_required: [external_messaging]}
  observability: {heartbeat_interval_seconds: 10}
`,
  "overlays/license-audit/agents/license-auditor.md": frontmatter("license-auditor"),
  "overlays/license-audit/skills/license-audit/SKILL.md": frontmatter("license-audit"),
  "overlays/license-audit/skills/license-audit/scripts/audit.js": "export {};\n",
  "overlays/license-audit/skills/unused/SKILL.md": frontmatter("unused"),
  "overlays/license-audit/prompts/identity.md": "You are the auditor.\n",
  "overlays/license-audit/prompts/policy.md": "# Careful\n\nUnknown is never allowed.\n",
  [STRICT_FILE]: `apiVersion: factory/v1
kind: Overlay
metadata: {name: strict}
spec:
  base_profile: ua-core@1.0.0
  limits: {max_runtime_minutes: 90, max_parallel_missions: 1}
  observability: {heartbeat_interval_seconds: 5, mission_progress_interval_seconds: 60}
  safety: {rules: [Never guess.]}
`,
  [BASELINE_FILE]: `apiVersion: factory/v1
kind: Baseline
metadata: {name: ua-core}
spec:
  version: "1.0.0"
  agents: [coder, researcher]
  skills: [evidence]
  policies: [style]
  mandatory_policies: [safety]
`,
  "overlays/ua-core/files/AGENTS.md": "# Universal Agent\n\n```sh\n# not a heading\n```\n",
  "overlays/ua-core/files/CLAUDE.md": "@AGENTS.md\n",
  "overlays/ua-core/files/.claude/agents/coder.md": frontmatter("coder"),
  "overlays/ua-core/files/.claude/agents/researcher.md": frontmatter("researcher"),
  "overlays/ua-core/files/.claude/skills/evidence/SKILL.md": frontmatter("evidence"),
  "overlays/ua-core/files/policies/safety.md": "# Safety\n\nStop when told to.\n",
  "overlays/ua-core/files/policies/style.md": "Write well.\n",
  "overlays/ua-core/files/notes/readme.txt": "hello\n",
  "package-lock.json": "{}\n",
  "docs/a.md": "# A\n",
  "schemas/artifacts/a.schema.json": "{}\n",
};

function frontmatter(name: string): string {
  return `---\nname: ${name}\ndescription: What ${name} does.\n---\n\nDo it.\n`;
}

export function resolve(files: Files, extra: { lastFleet?: Resolved["desired"]["fleet"] } = {}): Resolved {
  const { entries, contents } = tree(files);
  const parsed = parseTree({ entries, contents });
  return resolveFleet({
    revision: REVISION,
    parsed,
    entries,
    contents,
    repository: "example/fleet",
    ...extra,
  });
}

/** The fleet with a text in one file replaced; fails when the text is not there. */
export function changed(file: string, from: string, to: string, files: Files = FILES): Files {
  const text = files[file];
  if (typeof text !== "string" || !text.includes(from)) throw new Error(`${file} has no ${from}`);
  return { ...files, [file]: text.replace(from, to) };
}

export function without(file: string, files: Files = FILES): Files {
  return Object.fromEntries(Object.entries(files).filter(([path]) => path !== file));
}
