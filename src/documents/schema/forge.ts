import { z } from "zod";
import { Login, Team } from "./approvals.ts";
import { EnvName, HttpUrl, PATH_CHARS_MAX, uniqueList } from "./common.ts";

const APP_ID_CHARS_MAX = 40;
/** As forges allow them: an owner, a slash, a name; nothing that would lead elsewhere in an address. */
const REPOSITORY_PATTERN = /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;

const From = z
  .strictObject({ env: EnvName.optional(), file: z.string().min(1).max(PATH_CHARS_MAX).optional() })
  .refine((from) => (from.env === undefined) !== (from.file === undefined), {
    message: "needs either `env` or `file`",
  })
  .meta({ oneOf: [{ required: ["env"] }, { required: ["file"] }] });

/** A value has no place here: the file is read by everybody who may read the repository. */
const Secret = z
  .strictObject({ from: From })
  .describe("A reference, never a value: a variable of the controller, or a file below its `secrets/`.");

const Auth = z
  .strictObject({
    token: Secret.optional(),
    app_id: z
      .union([z.int().min(1), z.string().min(1).max(APP_ID_CHARS_MAX)])
      .optional()
      .describe("Of a GitHub App, or its client id."),
    installation_id: z
      .int()
      .min(1)
      .optional()
      .describe("Where the App is installed; absent: asked of the forge."),
    private_key: Secret.optional().describe("Of the App, as PEM."),
  })
  .refine((auth) => (auth.token === undefined) !== (auth.app_id === undefined), {
    message: "needs either `token`, or `app_id` and `private_key`",
  })
  .refine((auth) => (auth.app_id === undefined) === (auth.private_key === undefined), {
    message: "needs `private_key` with `app_id`",
  })
  .meta({ oneOf: [{ required: ["token"] }, { required: ["app_id", "private_key"] }] });

const People = z
  .strictObject({
    people: uniqueList(Login).default([]).describe("Accounts on the forge."),
    teams: uniqueList(Team).default([]).describe("Slugs of teams."),
  })
  .refine(({ people, teams }) => people.length + teams.length > 0, { message: "names nobody" });

/** A viewer commands nothing that is not open to every reader of the plan. */
const Roles = z
  .strictObject({
    viewer: People.optional().describe("May ask for a new plan."),
    operator: People.optional().describe("May pause, resume, kill, acknowledge and answer an agent."),
    approver: People.optional().describe("May decide what is asked of people; and all of the above."),
    admin: People.optional().describe("All of the above."),
  })
  .describe("Whose comments are obeyed, as what; absent: nobody's.");

export const Forge = z
  .strictObject({
    type: z.enum(["github"]),
    api: HttpUrl.default("https://api.github.com").describe(
      "Of its REST API; of a GitHub Enterprise server https://<host>/api/v3.",
    ),
    repository: z
      .string()
      .max(PATH_CHARS_MAX)
      .regex(REPOSITORY_PATTERN)
      .meta({
        description: "Owner and name of the repository that holds this file.",
        examples: ["acme/fleet"],
      }),
    auth: Auth,
    webhook_secret: Secret.optional().describe(
      "Signs what the forge sends to `/webhooks/github`; absent: nothing is taken.",
    ),
    forks: z
      .enum(["ignore", "plan"])
      .default("ignore")
      .describe("Pull requests from a copy of the repository, whose authors may be anybody."),
    roles: Roles.optional(),
    labels: z
      .boolean()
      .default(true)
      .describe(
        "Whether pull requests get labels that say what they do, all of which begin with `factory:`.",
      ),
    closures: z
      .enum(["pull_request", "command_line"])
      .default("pull_request")
      .describe(
        "Where people are asked what becomes of a clone whose mission is closed: in a pull request that says it, or on the command line alone.",
      ),
  })
  .describe("Where people review changes of this repository: its pull requests get a check and a plan.");
export type Forge = z.infer<typeof Forge>;
