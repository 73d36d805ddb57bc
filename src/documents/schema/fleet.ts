import { z } from "zod";
import { MODEL_NAME_CHARS_MAX, MODEL_NAME_PATTERN } from "../../core/model/prices.ts";
import { REF } from "../../core/model/secret-policy.ts";
import { Approvals } from "./approvals.ts";
import {
  ActionName,
  AfterClosure,
  ARGV_CHARS_MAX,
  ARGV_ITEMS_MAX,
  BudgetThresholds,
  boundedRecord,
  COST_USD_MAX,
  Commit,
  documentSchema,
  EnvName,
  FilePath,
  HeartbeatIntervalSeconds,
  HttpUrl,
  Isolation,
  LIST_ITEMS_MAX,
  LLM_CALLS_MAX,
  Name,
  PATH_CHARS_MAX,
  ReportCadence,
  Resources,
  RUNTIME_MINUTES_MAX,
  StorageScope,
  uniqueList,
} from "./common.ts";
import { Forge } from "./forge.ts";
import { Notify } from "./notify.ts";

const PRICES_MAX = 200;
/** A hundred times what the dearest model costs: beyond it somebody has mixed up a million and a thousand. */
const PER_MILLION_USD_MAX = 100_000;
const PARALLEL_MAX = 10_000;
const WINDOW_MISSIONS_MAX = 1_000;
const SUSTAINED_MINUTES_MAX = 43_200;
/** Forges count pushes per repository: four a minute stay far below every limit that they publish. */
const PUSHES_PER_MINUTE_DEFAULT = 4;
/** For an origin that no forge serves, such as a folder or a server of one's own. */
const PUSHES_PER_MINUTE_MAX = 60;
/** Renewed three times in it: a shorter one would be lost to a slow push. */
const LEASE_SECONDS_MIN = 10;
const LEASE_SECONDS_MAX = 86_400;
/** Long enough for an origin that is away for a while: whoever cannot wait for its end has a person's word. */
const LEASE_SECONDS_DEFAULT = 1_800;
const QUORUM_MAX = 20;
/** Whoever is reminded more often stops reading. */
const ASK_AGAIN_MINUTES_MIN = 5;
/** A month: whoever has not answered by then will not. */
const EXPIRES_MINUTES_MAX = 43_200;
const BRANCH_PATTERN = /^(?!\/|refs\/)(?!.*(?:\.\.|\/\/|@\{|\.lock$|\/$|\.$))[A-Za-z0-9._/-]+$/;

/** As `factory version` and OpenSSH write it, with or without a comment. */
const StatusKey = z
  .string()
  .max(200)
  .regex(/^ssh-ed25519 [A-Za-z0-9+/]{68}(?: [^\r\n]*)?$/);

const Caps = z.strictObject({
  max_runtime_minutes: z.number().positive().max(RUNTIME_MINUTES_MAX).default(1_440),
  max_cost_usd: z.number().min(0).max(COST_USD_MAX).optional(),
  max_llm_calls: z.int().min(0).max(LLM_CALLS_MAX).optional(),
  max_parallel_missions: z.int().min(1).max(PARALLEL_MAX).default(10).describe("Clones that run at once."),
  max_cost_usd_per_day: z
    .number()
    .positive()
    .max(COST_USD_MAX)
    .optional()
    .describe("Of all clones together."),
  max_llm_calls_per_day: z.int().min(1).max(LLM_CALLS_MAX).optional().describe("Of all clones together."),
  max_cost_usd_per_clone_per_day: z
    .number()
    .positive()
    .max(COST_USD_MAX)
    .optional()
    .describe("Of each clone."),
  max_llm_calls_per_clone_per_day: z.int().min(1).max(LLM_CALLS_MAX).optional().describe("Of each clone."),
  day_timezone: z
    .string()
    .min(1)
    .max(64)
    .default("UTC")
    .describe("Whose midnight begins a day: an IANA name such as Europe/Berlin."),
});

const PerMillion = z.number().min(0).max(PER_MILLION_USD_MAX);
/** As providers write them: `gpt-5.1`, `anthropic/claude-opus-4.5`, `llama3:70b`. */
const ModelName = z.string().min(1).max(MODEL_NAME_CHARS_MAX).regex(MODEL_NAME_PATTERN);

const Price = z.strictObject({
  input_per_million_usd: PerMillion.describe("Of tokens that were not read from a cache."),
  output_per_million_usd: PerMillion,
  cache_read_per_million_usd: PerMillion.optional().describe("Absent: as input."),
  cache_write_per_million_usd: PerMillion.optional().describe("Absent: as input."),
});

const Defaults = z.strictObject({
  budget_thresholds: BudgetThresholds.optional(),
  heartbeat_interval_seconds: HeartbeatIntervalSeconds.default(30),
  report_cadence: ReportCadence.default("hybrid"),
  storage_scope: StorageScope.default("factory"),
  resources: Resources.optional().meta({
    description: "For clones that say nothing themselves; left out where a machine cannot hold it.",
  }),
  isolation: Isolation.default("pidns"),
  after_closure: AfterClosure.default("ask"),
});

const FolderOfMachine = z
  .string()
  .min(2)
  .max(PATH_CHARS_MAX)
  .regex(/^(?!.*\/\/)(?!.*\/\.\.?(?:\/|$))\/.*[^/]$/, "an absolute path without `.`, `..` or an end in `/`");

const IsolationRules = z
  .strictObject({
    allow_group: z
      .boolean()
      .default(false)
      .describe(
        "Clones may run with isolation `group`, from which an agent can escape: none of their deaths is proven, and after each a person has to say that the lane goes on.",
      ),
    allow_uncontained_checks: z
      .boolean()
      .default(false)
      .describe(
        "Where this machine cannot shut checks in, they run all the same, with what the controller can read and reach: a clone whose output a check runs can act as the controller. Without it such criteria wait for a person.",
      ),
    shares: z
      .array(
        z.strictObject({
          path: FolderOfMachine.describe("A folder or file of the machine, below a home too."),
          access: z.enum(["read", "write"]).default("read"),
        }),
      )
      .max(LIST_ITEMS_MAX)
      .default([])
      .describe(
        "What agents may see of the machine beside what everybody sees, or write to beside their workspace. Clones that share what they write to are not kept from each other there.",
      ),
  })
  .describe("What holds agents, and what they see of the machine (docs/security.md).");

const Guardrails = z
  .strictObject({
    min_success_percent: z.number().min(0).max(100).default(80),
    closed_missions_window: z.int().min(1).max(WINDOW_MISSIONS_MAX).default(10),
    max_high_incidents_per_ten_missions: z.number().min(0).max(100).default(1),
    max_accepted_p95_seconds: z.number().positive().max(86_400).default(60),
    max_interventions_per_mission: z.number().min(0).max(1_000).default(2),
    sustained_minutes: z
      .number()
      .min(0)
      .max(SUSTAINED_MINUTES_MAX)
      .default(60)
      .describe("How long one has to be exceeded; 0: the first measure decides."),
    on_breach: z
      .enum(["drain", "pause"])
      .default("drain")
      .describe("What becomes of running missions: they may finish, or are paused."),
    lift: z
      .string()
      .regex(/^rollback-[0-9a-f]{8}$/)
      .optional()
      .describe("The rollback that this reviewed change ends, as `factory guardrails` names it."),
  })
  .describe("A rollout is rolled back when one is exceeded for `sustained_minutes`.");

const Rollout = z
  .strictObject({
    canary: z.int().min(0).max(PARALLEL_MAX).default(1).describe("Clones that try it first; 0: all at once."),
    min_healthy_minutes: z.number().min(0).max(SUSTAINED_MINUTES_MAX).default(10),
    progress_deadline_minutes: z.number().positive().max(SUSTAINED_MINUTES_MAX).default(60),
    auto_revert: z
      .boolean()
      .default(true)
      .describe("A canary that fails goes back to the last digest that was stable."),
  })
  .describe("How a changed overlay or baseline reaches the clones that are made of it.");

const ApprovalRule = z.strictObject({
  action: ActionName,
  approvers: uniqueList(z.string().min(1).max(100))
    .default([])
    .describe("Who may approve, by the name under which they act; empty: every operator."),
  quorum: z.int().min(1).max(QUORUM_MAX).default(1).describe("How many of them have to agree."),
  expires_minutes: z
    .number()
    .positive()
    .max(EXPIRES_MINUTES_MAX)
    .optional()
    .describe("An unanswered question is denied after this: 1440 with `on_timeout: deny`, else it holds."),
  on_timeout: z
    .enum(["hold", "deny"])
    .optional()
    .describe(
      "What becomes of a question that nobody answers; absent: `deny` with `expires_minutes`, else `hold`.",
    ),
  ask_again_minutes: z
    .number()
    .min(ASK_AGAIN_MINUTES_MIN)
    .max(EXPIRES_MINUTES_MAX)
    .optional()
    .describe("An unanswered question comes back this often; absent: every 240 minutes."),
});

const SECRET_VARIABLES_MAX = 200;
const SECRET_COMMANDS_MAX = 20;
const SECRET_COMMAND_SECONDS_MAX = 60;
/** The controller's own begin with FACTORY_. */
const ENV_ALLOWED_PATTERN = /^(?!FACTORY(_|$))[A-Za-z_][A-Za-z0-9_]*\*?$/;

const SecretCommand = z.strictObject({
  run: z
    .tuple(
      [
        z
          .string()
          .min(1)
          .max(ARGV_CHARS_MAX)
          .regex(/^(?!\{ref\}$)/),
      ],
      z.string().max(ARGV_CHARS_MAX),
    )
    .refine((argv) => argv.length <= ARGV_ITEMS_MAX && argv.filter((item) => item === REF).length === 1, {
      message: `one argument has to be ${REF}, where the reference goes`,
    })
    .meta({
      description:
        "Program and arguments, of which one is `{ref}`. What it prints is the secret; it is never logged.",
      minItems: 1,
      maxItems: ARGV_ITEMS_MAX,
      contains: { const: REF },
      minContains: 1,
      maxContains: 1,
    }),
  timeout_seconds: z.number().positive().max(SECRET_COMMAND_SECONDS_MAX).default(20),
  env: z
    .array(EnvName)
    .max(LIST_ITEMS_MAX)
    .default([])
    .describe("Variables of the controller that it gets besides PATH and HOME, such as VAULT_ADDR."),
});

const Secrets = z
  .strictObject({
    env: z
      .array(z.string().max(100).regex(ENV_ALLOWED_PATTERN))
      .max(SECRET_VARIABLES_MAX)
      .default([])
      .describe("Variables of the controller that clones may name; `TEAM_*` allows all that begin so."),
    age_identity: FilePath.optional().describe(
      "Key file below the controller's `secrets/` that opens encrypted files of the repository.",
    ),
    commands: boundedRecord(Name, SecretCommand, SECRET_COMMANDS_MAX)
      .default({})
      .describe("Programs that look secrets up, by the name under which clones ask for them."),
  })
  .describe(
    "Which secrets clones may name. The controller's own, `FACTORY_*` and what this file refers to, never are.",
  );

export const FleetSpec = z
  .strictObject({
    mode: z
      .enum(["normal", "in_core_only"])
      .default("normal")
      .describe("`in_core_only`: no clone is started; what is pending goes to Simone's own runtime."),
    caps: Caps.prefault({}).describe("No mission and no overlay may ask for more."),
    prices: boundedRecord(ModelName, Price, PRICES_MAX)
      .default({})
      .describe("What tokens cost, by model: for agents that say how many they used and not what they cost."),
    defaults: Defaults.prefault({}).describe("What holds where a mission or a clone says nothing."),
    isolation: IsolationRules.prefault({}),
    guardrails: Guardrails.prefault({}),
    rollout: Rollout.prefault({}),
    approval_rules: z.array(ApprovalRule).max(LIST_ITEMS_MAX).default([]),
    write_back: z
      .strictObject({
        branch: z.string().min(1).max(PATH_CHARS_MAX).regex(BRANCH_PATTERN).default("factory/status"),
        max_pushes_per_minute: z.int().min(1).max(PUSHES_PER_MINUTE_MAX).default(PUSHES_PER_MINUTE_DEFAULT),
        flush_interval_seconds: z.int().min(1).max(300).default(300),
        lease_seconds: z
          .int()
          .min(LEASE_SECONDS_MIN)
          .max(LEASE_SECONDS_MAX)
          .default(LEASE_SECONDS_DEFAULT)
          .describe("How long the right to act on this repository holds without a renewal."),
        keys: uniqueList(StatusKey)
          .default([])
          .describe("Public keys of the installations that may act here; none: whichever holds the lease."),
      })
      .prefault({}),
    simone: z
      .strictObject({
        notify: Notify,
        in_core: z
          .strictObject({
            url: HttpUrl,
            auth_ref: z.string().min(1).max(PATH_CHARS_MAX).optional(),
          })
          .optional(),
      })
      .prefault({}),
    kill_switch: z
      .strictObject({
        engaged: z.boolean().default(false).describe("Every mission ends, and none starts."),
        labels: z
          .record(z.string().min(1).max(100), z.string().max(100))
          .default({})
          .describe("Every mission with one of these labels."),
        missions: uniqueList(z.string().min(1).max(200)).default([]).describe("Missions or clones, by name."),
      })
      .prefault({})
      .describe(
        "What it covers is ended and not started while the file says so. What was ended stays cancelled.",
      ),
    drills: z
      .strictObject({
        kill: z
          .strictObject({
            schedule: z.string().min(1).max(100).describe("Cron: minute hour day month weekday."),
            timezone: z.string().min(1).max(64).default("UTC").describe("IANA name such as Europe/Berlin."),
            targets: z
              .union([z.enum(["canaries", "all"]), uniqueList(z.string().min(1).max(200))])
              .default("canaries")
              .describe("Clones whose isolation it is proven on: those labelled `canary`, all, or by name."),
          })
          .optional()
          .describe("The kill is proven on an instance of its own; no mission is touched."),
      })
      .prefault({})
      .describe("What is proven again and again."),
    secrets: Secrets.prefault({}),
    forge: Forge.optional(),
    approvals: Approvals.optional(),
    confirm_deletion: z
      .strictObject({ commit: Commit })
      .optional()
      .describe(
        "A commit that deletes more than max(1, 20 %) is only carried out after a second one names it here.",
      ),
  })
  .describe("Caps, defaults and rules for the whole fleet.");
export type FleetSpec = z.infer<typeof FleetSpec>;

export const FleetDocument = documentSchema({
  kind: "Fleet",
  name: Name,
  spec: FleetSpec,
  description: "Caps, defaults, guardrails and approval rules for the whole fleet: fleet.yaml",
});
export type FleetDocument = z.infer<typeof FleetDocument>;
