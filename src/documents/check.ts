import { CronPattern } from "croner";
import { foldPath, misspelling } from "../core/model/output-places.ts";
import { RESERVED_FOLDERS } from "../core/model/reserved-folders.ts";
import { checkApprovals } from "./check-approvals.ts";
import { checkForge } from "./check-forge.ts";
import { checkNotify } from "./check-notify.ts";
import type { PathStep } from "./positions.ts";
import type { BaselineDocument } from "./schema/baseline.ts";
import type { CloneDocument } from "./schema/clone.ts";
import { acceptedMs } from "./schema/common.ts";
import { describe, type Finding, NOT_AVAILABLE_YET } from "./schema/explain.ts";
import type { FleetDocument } from "./schema/fleet.ts";
import type { AnyDocument } from "./schema/kinds.ts";
import type { MissionDocument } from "./schema/mission.ts";
import type { OverlayDocument } from "./schema/overlay.ts";

/** What one document says that no schema can judge. What needs other documents is judged in `resolve`. */
export function checkDocument(document: AnyDocument): Finding[] {
  switch (document.kind) {
    case "Mission":
      return checkMission(document);
    case "Clone":
      return checkClone(document);
    case "Overlay":
      return checkOverlay(document);
    case "Baseline":
      return checkBaseline(document);
    case "Fleet":
      return checkFleet(document);
  }
}

function checkMission({ spec }: MissionDocument): Finding[] {
  const findings = [
    ...repeated(
      spec.success_criteria.map((criterion) => criterion.id),
      (index) => ["spec", "success_criteria", index, "id"],
    ),
    ...repeated(
      spec.inputs.map((input) => input.path),
      (index) => ["spec", "inputs", index, "path"],
    ),
    ...repeated(
      // Two that are one on a disk that folds names are one.
      spec.artifact_policy.required_outputs.map((output) => foldPath(output.path)),
      (index) => ["spec", "artifact_policy", "required_outputs", index, "path"],
    ),
    ...both(spec.constraints.allowed_tools, spec.constraints.forbidden_tools, [
      "spec",
      "constraints",
      "forbidden_tools",
    ]),
  ];
  spec.artifact_policy.required_outputs.forEach((output, index) => {
    const path = ["spec", "artifact_policy", "required_outputs", index, "path"];
    const wrong = misspelling(output.path);
    if (wrong !== null) {
      findings.push({
        path,
        reason: "OutputMisspelt",
        message: `the path ${wrong}`,
        found: describe(output.path, []),
        expected: "a path that is one and the same on every disk, e.g. reports/result.json",
      });
      return;
    }
    const top = output.path.split("/")[0] ?? "";
    if (!RESERVED_FOLDERS.has(top)) return;
    findings.push({
      path,
      reason: "ReservedPath",
      message: `\`${top}/\` is written by Factory and cannot hold an output`,
      found: describe(output.path, []),
      expected: "a path of its own, e.g. reports/result.json",
    });
  });
  findings.push(...checkThresholds(spec.budget.thresholds, ["spec", "budget", "thresholds"]));
  findings.push(
    ...checkScope(spec.artifact_policy.storage_scope, ["spec", "artifact_policy", "storage_scope"]),
  );
  const window = spec.autonomy_window;
  if (window === undefined) return findings;
  if (window.recurring !== undefined) {
    const path = ["spec", "autonomy_window", "recurring"];
    return [
      ...findings,
      ...checkSchedule(window.recurring.cron, window.recurring.timezone, { path, field: "cron" }),
    ];
  }
  const { start_at: start, end_at: end } = window;
  if (start === undefined && end === undefined) {
    findings.push({
      path: ["spec", "autonomy_window"],
      severity: "warning",
      reason: "EmptyWindow",
      message: "the window has no bounds, so the mission may always run",
      expected: "start_at, end_at, or no window",
    });
  }
  if (start !== undefined && end !== undefined && Date.parse(end) <= Date.parse(start)) {
    findings.push({
      path: ["spec", "autonomy_window", "end_at"],
      reason: "WindowEndsBeforeStart",
      message: "the window ends before it starts",
      found: end,
      expected: `later than ${start}`,
    });
  }
  return findings;
}

/** Outputs are kept in the controller's data directory, and nobody carries them anywhere else. */
function checkScope(scope: string | undefined, path: readonly PathStep[]): Finding[] {
  return scope === undefined || scope === "factory"
    ? []
    : [notYet(path, scope, "factory: outputs are kept in the controller's data directory")];
}

function checkSchedule(
  schedule: string,
  timezone: string,
  { path, field }: { readonly path: readonly PathStep[]; readonly field: string },
): Finding[] {
  const findings: Finding[] = [];
  if (schedule.trim().split(/\s+/).length !== 5 || !isCron(schedule)) {
    findings.push({
      path: [...path, field],
      reason: "InvalidCron",
      message: "this is not a schedule",
      found: describe(schedule, []),
      expected: "five fields: minute hour day month weekday, e.g. 0 20 * * 1-5",
    });
  }
  if (!isTimezone(timezone)) findings.push(unknownTimezone(timezone, [...path, "timezone"]));
  return findings;
}

function isCron(text: string): boolean {
  try {
    new CronPattern(text);
    return true;
  } catch {
    return false;
  }
}

function unknownTimezone(name: string, path: readonly PathStep[]): Finding {
  return {
    path: [...path],
    reason: "UnknownTimezone",
    message: "there is no such time zone",
    found: describe(name, []),
    expected: "an IANA name such as Europe/Berlin",
  };
}

function isTimezone(name: string): boolean {
  // Where nothing is declared, and a formatter takes as long as the rest of a document.
  if (name === "UTC") return true;
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function checkClone({ metadata, spec }: CloneDocument): Finding[] {
  const findings = [
    ...repeated(
      spec.secrets.map((secret) => secret.name),
      (index) => ["spec", "secrets", index, "name"],
    ),
    ...repeated(
      spec.health_checks.map((check) => check.name),
      (index) => ["spec", "health_checks", index, "name"],
    ),
  ];
  const date = metadata.name.slice(-8);
  if (!isCalendarDate(date)) {
    findings.push({
      path: ["metadata", "name"],
      reason: "NotADate",
      message: "the clone's name does not end in a day of the calendar",
      found: date,
      expected: "factory_<mission>_<yyyymmdd>",
    });
  }
  if (spec.callback?.status_url !== undefined) {
    findings.push(
      notYet(
        ["spec", "callback", "status_url"],
        "status_url",
        "no status_url: the controller's own address is used",
      ),
    );
  }
  if (spec.callback?.auth_ref !== undefined) {
    findings.push(
      notYet(
        ["spec", "callback", "auth_ref"],
        "auth_ref",
        "no auth_ref: every instance gets a token of its own",
      ),
    );
  }
  if (acceptedMs(spec.restart.backoff) > acceptedMs(spec.restart.backoff_max)) {
    findings.push({
      path: ["spec", "restart", "backoff"],
      reason: "BackoffBeyondMaximum",
      message: "the first backoff is longer than the longest",
      found: spec.restart.backoff,
      expected: `at most ${spec.restart.backoff_max}`,
    });
  }
  const secretNames = new Set(spec.secrets.map((secret) => secret.name));
  for (const name of Object.keys(spec.agent.env)) {
    if (secretNames.has(name))
      findings.push(taken(["spec", "agent", "env", name], "is also the name of a secret"));
    if (isReserved(name)) findings.push(taken(["spec", "agent", "env", name], "is set by Factory"));
  }
  findings.push(...checkAdapter(spec.agent));
  const { model } = spec.agent;
  if (model !== undefined && !secretNames.has(model.key)) {
    findings.push({
      path: ["spec", "agent", "model", "key"],
      reason: "SecretMissing",
      message: "none of the clone's secrets has this name",
      found: model.key,
      expected: secretNames.size === 0 ? "a secret under spec.secrets" : [...secretNames].join(" or "),
    });
  }
  spec.secrets.forEach((secret, index) => {
    if (isReserved(secret.name))
      findings.push(taken(["spec", "secrets", index, "name"], "is set by Factory"));
  });
  return findings;
}

/** What belongs to the other adapter: it would be written, and nobody would read it. */
function checkAdapter({
  adapter,
  acp,
  command,
  output,
  stdin,
  result,
}: CloneDocument["spec"]["agent"]): Finding[] {
  const strange = (field: string, found: string, expected: string): Finding => ({
    path: ["spec", "agent", field],
    reason: "NotOfThisAdapter",
    message: `an agent of the adapter ${adapter} has no such setting`,
    found,
    expected,
  });
  if (adapter === "command")
    return acp === undefined ? [] : [strange("acp", "acp", "no acp, or adapter: acp")];
  return [
    ...(output === "lines" ? [] : [strange("output", output, "lines: it speaks the protocol on its output")]),
    ...(command.some((word) => word.includes("{prompt}"))
      ? [strange("command", "{prompt}", "no {prompt}: its mission is handed over by the protocol")]
      : []),
    ...(stdin === "none" ? [strange("stdin", stdin, "lines: its input is what it is talked to by")] : []),
    ...(result === "exit_code" ? [strange("result", result, "said: the end of its turn is its result")] : []),
  ];
}

function isReserved(name: string): boolean {
  return name.startsWith("FACTORY_");
}

function taken(path: readonly PathStep[], why: string): Finding {
  return { path, reason: "NameTaken", message: `this variable ${why}`, expected: "another name" };
}

function isCalendarDate(yyyymmdd: string): boolean {
  const iso = `${yyyymmdd.slice(0, 4)}-${yyyymmdd.slice(4, 6)}-${yyyymmdd.slice(6)}`;
  const time = Date.parse(`${iso}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso);
}

function notYet(path: readonly PathStep[], found: string, expected: string): Finding {
  return {
    path,
    ...NOT_AVAILABLE_YET,
    found,
    expected,
  };
}

function checkOverlay({ spec }: OverlayDocument): Finding[] {
  return [
    ...both(spec.agents.enable, spec.agents.disable, ["spec", "agents", "disable"]),
    ...both(spec.skills.enable, spec.skills.disable, ["spec", "skills", "disable"]),
  ];
}

function checkBaseline({ spec }: BaselineDocument): Finding[] {
  const findings = both(spec.mandatory_policies, spec.policies, ["spec", "policies"]);
  if (spec.source !== undefined)
    findings.push(notYet(["spec", "source"], "source", "files: the skeleton's folder"));
  return findings;
}

function checkFleet({ spec }: FleetDocument): Finding[] {
  const { day_timezone: timezone } = spec.caps;
  return [
    ...repeated(
      spec.approval_rules.map((rule) => rule.action),
      (index) => ["spec", "approval_rules", index, "action"],
    ),
    ...spec.approval_rules.flatMap(({ approvers, quorum }, index) =>
      approvers.length === 0 || quorum <= approvers.length ? [] : [unreachable(index, { approvers, quorum })],
    ),
    ...spec.approval_rules.flatMap(({ on_timeout, expires_minutes }, index) =>
      on_timeout === "hold" && expires_minutes !== undefined ? [endlessDeadline(index, expires_minutes)] : [],
    ),
    ...checkNotify(spec.simone.notify, { declared: spec.forge !== undefined }),
    ...checkForge(spec.forge),
    ...checkApprovals(spec),
    ...checkScope(spec.defaults.storage_scope, ["spec", "defaults", "storage_scope"]),
    ...checkThresholds(spec.defaults.budget_thresholds, ["spec", "defaults", "budget_thresholds"]),
    ...(isTimezone(timezone) ? [] : [unknownTimezone(timezone, ["spec", "caps", "day_timezone"])]),
    ...(spec.drills.kill === undefined
      ? []
      : checkSchedule(spec.drills.kill.schedule, spec.drills.kill.timezone, {
          path: ["spec", "drills", "kill"],
          field: "schedule",
        })),
  ];
}

function unreachable(
  index: number,
  rule: { readonly approvers: readonly string[]; readonly quorum: number },
): Finding {
  return {
    path: ["spec", "approval_rules", index, "quorum"],
    reason: "OutOfRange",
    message: "more people have to agree than may",
    found: String(rule.quorum),
    expected: `at most ${rule.approvers.length}, the number of approvers`,
  };
}

function endlessDeadline(index: number, minutes: number): Finding {
  return {
    path: ["spec", "approval_rules", index, "expires_minutes"],
    reason: "Contradiction",
    message: "with `on_timeout: hold` nothing expires: the mission waits until somebody answers",
    found: String(minutes),
    expected: "`on_timeout: deny`, or no `expires_minutes`",
  };
}

/** Whoever is told after being asked is told nothing. */
function checkThresholds(
  declared: { notify_percent: number; warn_percent: number; pause_percent: number } | undefined,
  path: readonly PathStep[],
): Finding[] {
  if (declared === undefined) return [];
  const { notify_percent: notify, warn_percent: warn, pause_percent: pause } = declared;
  if (notify <= warn && warn <= pause) return [];
  return [
    {
      path: [...path],
      reason: "ThresholdsOutOfOrder",
      message: "the thresholds do not rise",
      found: `notify ${notify}, warn ${warn}, pause ${pause}`,
      expected: "notify_percent ≤ warn_percent ≤ pause_percent",
    },
  ];
}

function repeated(values: readonly string[], pathOf: (index: number) => PathStep[]): Finding[] {
  const seen = new Set<string>();
  return values.flatMap((value, index) => {
    if (!seen.has(value)) {
      seen.add(value);
      return [];
    }
    return [
      {
        path: pathOf(index),
        reason: "Repeated",
        message: "this stands here a second time",
        found: describe(value, []),
        expected: "each once",
      },
    ];
  });
}

function both(left: readonly string[], right: readonly string[], path: readonly PathStep[]): Finding[] {
  const known = new Set(left);
  return right.flatMap((value, index) =>
    known.has(value)
      ? [
          {
            path: [...path, index],
            reason: "Contradiction",
            message: "this is in both lists",
            found: describe(value, []),
            expected: "one of the two",
          },
        ]
      : [],
  );
}
