import { z } from "zod";
import {
  AGENT_ADAPTERS,
  AGENT_OUTPUTS,
  DRIVER_NAMES,
  EXIT_MEANINGS,
  MODEL_API_NAMES,
} from "../../core/model/clone.ts";
import {
  AfterClosure,
  boundedRecord,
  CHECK_TIMEOUT_SECONDS_MAX,
  CloneName,
  Command,
  Duration,
  documentSchema,
  ENV_VALUE_CHARS_MAX,
  ENV_VARS_MAX,
  EnvName,
  FilePath,
  HttpUrl,
  Isolation,
  LIST_ITEMS_MAX,
  Name,
  PATH_CHARS_MAX,
  PauseGraceSeconds,
  Resources,
  RUN_MAX,
  uniqueList,
  VersionedName,
} from "./common.ts";

const OVERLAYS_MAX = 32;
const RESTARTS_MAX = 100;

const Runtime = z.strictObject({
  driver: z.enum(DRIVER_NAMES),
  isolation: Isolation.optional().meta({
    description: "The least containment that is accepted; the launch is refused below it.",
    default: "pidns",
  }),
  resources: Resources.optional().meta({
    description:
      "What it may take of its machine; refused at the launch where that cannot be held. Absent: the fleet's.",
  }),
});

const Model = z
  .strictObject({
    api: z.enum(MODEL_API_NAMES).describe("How the agent talks to its model's provider."),
    upstream: HttpUrl.optional().describe(
      "Where its calls are sent, without `/v1`. Absent: the provider's own address.",
    ),
    key: EnvName.describe(
      "Which of its `secrets` is the provider's key. The agent finds one of its own there, which the gateway alone takes.",
    ),
  })
  .describe(
    "Its model calls pass the gateway of its shim, which counts them and keeps the key. Its usage is `metered`.",
  );

/** 1 to 255. */
const EXIT_CODE_PATTERN = /^([1-9]\d?|1\d\d|2[0-4]\d|25[0-5])$/;
const EXIT_CODES_MAX = 32;

/** Ids that an agent gives to its modes, options and methods. */
const ACP_ID_CHARS_MAX = 200;
const AcpId = z
  .string()
  .min(1)
  .max(ACP_ID_CHARS_MAX)
  .regex(/^[^\p{C}]+$/u);
const ACP_OPTIONS_MAX = 32;

const Acp = z
  .strictObject({
    mode: AcpId.optional().describe(
      "In which of its modes it works. It has to be one in which it asks, unless somebody else is to judge its tools. Required where it offers more than one.",
    ),
    config: boundedRecord(AcpId, z.union([AcpId, z.boolean()]), ACP_OPTIONS_MAX)
      .default({})
      .describe("Its session's options, by id."),
    auth: AcpId.optional().describe(
      "Which of its methods it authenticates itself with before its session. Absent: it is not asked to.",
    ),
  })
  .describe("How its session is set up. What is set is read back, and without that it does not begin.");

const Agent = z.strictObject({
  adapter: z
    .enum(AGENT_ADAPTERS)
    .describe(
      "`command`: any program; JSON lines on its output become events. `acp`: an agent that speaks the Agent Client Protocol, version 1, on its input and output.",
    ),
  command: Command.describe(
    "Program and arguments; relative paths are looked up in the workspace. `{prompt}` in an argument is its mission in words, `{model_url}` the gateway's address.",
  ),
  env: boundedRecord(EnvName, z.string().max(ENV_VALUE_CHARS_MAX), ENV_VARS_MAX)
    .default({})
    .describe(
      "Plain settings; `{model_url}` in a value is the gateway's address. Never a credential: those are named under `secrets`.",
    ),
  accept: z
    .enum(["on_start", "explicit"])
    .default("on_start")
    .describe('`explicit`: the program says {"type":"accepted"}.'),
  usage: z
    .enum(["reported", "tokens", "none"])
    .default("reported")
    .describe(
      "`tokens`: it says how many, and `prices` of fleet.yaml what they cost. `none`: the program cannot tell what it uses; its limits on calls and cost need consent.",
    ),
  stdin: z
    .enum(["lines", "none"])
    .default("lines")
    .describe(
      "`none`: its input is closed, for programs that wait for its end; then nothing can be said to it.",
    ),
  output: z
    .enum(["lines", ...AGENT_OUTPUTS])
    .default("lines")
    .describe(
      "What it prints: lines for us, or its own stream of events, of which its result counts as its word.",
    ),
  result: z
    .enum(["said", "exit_code"])
    .default("said")
    .describe(
      '`said`: success is what it says itself, {"type":"completed"}; to end with 0 is none. `exit_code`: to end with 0 is success.',
    ),
  exit_codes: boundedRecord(z.string().regex(EXIT_CODE_PATTERN), z.enum(EXIT_MEANINGS), EXIT_CODES_MAX)
    .default({})
    .describe(
      "What its exit codes mean: `failed` is its verdict, `unauthorized` that its credentials are refused, `crashed` neither.",
    ),
  acp: Acp.optional(),
  model: Model.optional(),
  pause_grace_seconds: PauseGraceSeconds.default(0),
  account: Name.optional().describe(
    "The provider's account that it works on. When one clone of an account is rate limited, none of them is started until that is over.",
  ),
});

/** Of what is given to a program as one argument. */
const REF_CHARS_MAX = 500;
/** Printable, and no option of the program that gets it. */
const REF_PATTERN = /^[^-\s\p{C}][^\p{C}]*$/u;
const SOPS_KEY_CHARS_MAX = 200;
/** Names, with a dot between those of each level. */
const SOPS_KEY_PATTERN = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/** The fields of each kind of reference. */
const REFERENCES = [["env"], ["file"], ["age"], ["sops", "key"], ["command", "ref"]] as const;

function isOneReference(from: Readonly<Record<string, unknown>>): boolean {
  const given = Object.keys(from).filter((field) => from[field] !== undefined);
  return REFERENCES.some(
    (fields) => fields.length === given.length && fields.every((field) => given.includes(field)),
  );
}

const Secret = z.strictObject({
  name: EnvName.describe("The variable in which the agent finds it."),
  from: z
    .strictObject({
      env: EnvName.optional().describe(
        "A variable of the controller that `spec.secrets.env` of fleet.yaml allows.",
      ),
      file: z.string().min(1).max(PATH_CHARS_MAX).optional().describe("Below the controller's `secrets/`."),
      age: FilePath.optional().describe("A file of this repository, encrypted with age."),
      sops: FilePath.optional().describe("A file of this repository, encrypted with SOPS; with `key`."),
      key: z.string().min(1).max(SOPS_KEY_CHARS_MAX).regex(SOPS_KEY_PATTERN).optional(),
      command: Name.optional().describe("One of `spec.secrets.commands` of fleet.yaml; with `ref`."),
      ref: z
        .string()
        .min(1)
        .max(REF_CHARS_MAX)
        .regex(REF_PATTERN)
        .optional()
        .describe("What it is asked for, such as op://vault/item/field."),
    })
    .refine((from) => isOneReference(from), {
      message: "needs one of `env`, `file`, `age`, `sops` with `key`, `command` with `ref`",
    })
    .meta({
      oneOf: REFERENCES.map((fields) => ({ required: [...fields] })),
      description: "A reference, never a value.",
    }),
});

const Callback = z.strictObject({
  status_url: HttpUrl.optional().describe("Absent: the controller's own address."),
  auth_mode: z.literal("bearer").default("bearer"),
  auth_ref: z.string().min(1).max(PATH_CHARS_MAX).optional(),
});

const HealthCheck = z.strictObject({
  name: Name,
  run: Command,
  timeout_seconds: z.int().min(1).max(CHECK_TIMEOUT_SECONDS_MAX).default(30),
});

const Restart = z
  .strictObject({
    intensity: z
      .int()
      .min(0)
      .max(RESTARTS_MAX)
      .default(3)
      .describe("Restarts within `period` before quarantine."),
    period: Duration.default("10m"),
    backoff: Duration.default("1s").describe("Doubles with every restart, up to `backoff_max`."),
    backoff_max: Duration.default("60s"),
    stable_after: Duration.default("2m").describe("Time after which the backoff starts anew."),
  })
  .describe("How often a lost instance is started again.");

const OrphanPolicy = z
  .strictObject({
    action: z.enum(["continue", "pause", "terminate"]).default("terminate"),
    after: Duration.default("1h"),
  })
  .describe("What the agent's shim does when it has not reached the controller for `after`.");

export const CloneSpec = z
  .strictObject({
    baseline: VersionedName,
    overlays: uniqueList(Name, OVERLAYS_MAX).default([]).describe("Applied in this order."),
    runtime: Runtime.describe("Where it runs."),
    agent: Agent.describe("The program that works."),
    secrets: z.array(Secret).max(LIST_ITEMS_MAX).default([]),
    callback: Callback.optional(),
    health_checks: z
      .array(HealthCheck)
      .max(LIST_ITEMS_MAX)
      .default([])
      .describe("All must pass before a dispatch."),
    restart: Restart.prefault({}),
    orphan_policy: OrphanPolicy.prefault({}),
    after_closure: AfterClosure.optional().meta({
      description: "What becomes of the clone once its mission is closed.",
      default: "ask",
    }),
    closure_decision: z
      .strictObject({
        mission: Name,
        run: z.int().min(1).max(RUN_MAX),
        decision: z.enum(["standby", "template"]),
      })
      .optional()
      .describe(
        "What becomes of the clone now that this run is closed: kept, or promoted as a template. `state: retired` says that it is put away.",
      ),
    update: z
      .enum(["pinned", "turn_boundary"])
      .default("pinned")
      .describe(
        "When a running mission takes up a changed declaration: not before its end, or between two turns.",
      ),
    state: z.enum(["ready", "retired"]).default("ready"),
  })
  .describe("A named worker: baseline, overlays, where it runs and what runs in it.");
export type CloneSpec = z.infer<typeof CloneSpec>;

export const CloneDocument = documentSchema({
  kind: "Clone",
  name: CloneName,
  spec: CloneSpec,
  description: "A factory clone: one lane with at most one living instance.",
});
export type CloneDocument = z.infer<typeof CloneDocument>;
