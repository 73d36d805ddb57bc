/** The documents of a mission that an issue asks for. Its words go in as values, and a library writes them. */
import { Document } from "yaml";
import { usageError } from "../exit.ts";
import { cloneYaml } from "./documents.ts";
import type { FleetFiles } from "./fleet-view.ts";
import type { MissionAnswers } from "./read-mission-form.ts";
import { baselineOf, cloneNameOn, defaultOverlay, TEAM, workOf } from "./work.ts";

export interface AskedMission {
  readonly answers: MissionAnswers;
  readonly issue: { readonly number: number; readonly author: string; readonly url: string | null };
  /** As they are obeyed. */
  readonly files: FleetFiles;
  readonly name: string;
  /** `yyyymmdd` */
  readonly today: string;
}

/** The mission, and a clone for it. Rejects `cli/usage` where the mission is there already, or its overlay is not. */
export function askedFiles({
  answers,
  issue,
  files,
  name,
  today,
}: AskedMission): ReadonlyMap<string, string> {
  const path = `missions/${name}.yaml`;
  if (files.has(path)) throw usageError(`${path} exists already; choose another name`);
  const overlay = answers.overlay ?? defaultOverlay(files);
  const baseline = baselineOf(files, overlay);
  const work = workOf(files, overlay, answers.objective);
  const clone = cloneNameOn(name, today);
  const outputs = answers.outputs.length === 0 ? work.outputs : answers.outputs.map((one) => ({ path: one }));
  const mission = {
    apiVersion: "factory/v1",
    kind: "Mission",
    metadata: {
      name,
      labels: { team: TEAM },
      annotations: { issue: issue.url ?? String(issue.number), asked_by: issue.author },
    },
    spec: {
      mission_type: answers.type,
      objective: `${answers.objective}\n`,
      clone,
      run: 1,
      state: "active",
      success_criteria: answers.criteria.map((text, index) => ({
        id: `criterion-${index + 1}`,
        text,
        review: "human",
      })),
      inputs: (answers.material.length === 0 ? work.inputs : answers.material).map((one) => ({ path: one })),
      budget: {
        max_runtime_minutes: answers.runtimeMinutes,
        ...(answers.llmCalls === null ? {} : { max_llm_calls: answers.llmCalls }),
        ...(answers.costUsd === null ? {} : { max_cost_usd: answers.costUsd }),
      },
      artifact_policy: { required_outputs: outputs },
      kill_switch: { engaged: false },
    },
  };
  const document = new Document(mission);
  document.commentBefore = " yaml-language-server: $schema=../schemas/mission.schema.json";
  return new Map([
    [path, document.toString({ lineWidth: 0 })],
    [`clones/${clone}.yaml`, cloneYaml({ name: clone, team: TEAM, baseline, overlay, work })],
  ]);
}
