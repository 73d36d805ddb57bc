/** The least that each kind needs, in text that tests may change by replacing a part. */
export const MISSION = `apiVersion: factory/v1
kind: Mission
metadata: {name: license-audit}
spec:
  mission_type: research
  objective: List every package.
  clone: factory_license-audit_20261123
  success_criteria:
    - {id: complete, text: every package is listed, check: {run: [node, checks/complete.js]}}
  budget: {max_runtime_minutes: 30}
`;

export const CLONE = `apiVersion: factory/v1
kind: Clone
metadata: {name: factory_license-audit_20261123}
spec:
  baseline: ua-core@1.0.0
  runtime: {driver: process}
  agent: {adapter: command, command: [node, agent.js]}
`;

export const OVERLAY = `apiVersion: factory/v1
kind: Overlay
metadata: {name: license-audit}
spec:
  base_profile: ua-core@1.0.0
`;

export const BASELINE = `apiVersion: factory/v1
kind: Baseline
metadata: {name: ua-core}
spec:
  version: "1.0.0"
`;

export const FLEET = `apiVersion: factory/v1
kind: Fleet
metadata: {name: sample}
spec: {}
`;
