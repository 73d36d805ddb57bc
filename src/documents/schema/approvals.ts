import { z } from "zod";
import { CONTAINMENTS } from "../../core/model/instance.ts";
import { COST_USD_MAX, LIST_ITEMS_MAX, PATH_CHARS_MAX, uniqueList } from "./common.ts";

const APPROVALS_MAX = 20;
const NAME_CHARS_MAX = 100;
/** As forges allow accounts, and teams within an organisation. */
export const Login = z
  .string()
  .max(NAME_CHARS_MAX)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*(?:\[bot\])?$/);
/** An account, or a name in the list of signers, which may be an address of mail. */
const Approver = z
  .string()
  .max(NAME_CHARS_MAX)
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._@+-]*[A-Za-z0-9_+-])?(?:\[bot\])?$/);
export const Team = z
  .string()
  .max(NAME_CHARS_MAX)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)?$/);

const Who = {
  count: z.int().min(1).max(APPROVALS_MAX).default(1).describe("How many of them have to approve."),
  people: uniqueList(Approver)
    .default([])
    .describe("Accounts on the forge, or names in the list of signers."),
  teams: uniqueList(Team)
    .default([])
    .describe("Slugs of teams; with neither people nor teams everybody counts who may write."),
};

const When = z
  .strictObject({
    mission_type: uniqueList(z.enum(["coding", "research", "automation", "custom"])).optional(),
    cost_over_usd: z
      .number()
      .min(0)
      .max(COST_USD_MAX)
      .optional()
      .describe("It may cost more than this, or nothing limits what it costs."),
    labels: z.record(z.string().min(1).max(NAME_CHARS_MAX), z.string().max(NAME_CHARS_MAX)).optional(),
    isolation: uniqueList(z.enum(CONTAINMENTS)).optional().describe("Of its clone."),
    secrets: z.boolean().optional().describe("Its clone has some; `false`: it has none."),
    path: uniqueList(z.string().min(1).max(PATH_CHARS_MAX))
      .optional()
      .describe("One of the files it is made of; `*` and `**` as in a .gitignore, a folder ends in `/`."),
  })
  .describe("All that is said has to hold; empty: always.");

export const Approvals = z
  .strictObject({
    mode: z
      .enum(["none", "forge", "signatures"])
      .describe(
        "`forge`: approvals of the pull request that brought it. `signatures`: signed commits of those whom the controller lists. `none`: nobody is asked.",
      ),
    rules: z
      .array(z.strictObject({ when: When, ...Who }))
      .max(LIST_ITEMS_MAX)
      .default([])
      .describe("Every rule that fits asks for its approvals."),
    default: z.strictObject(Who).prefault({}).describe("Where no rule fits."),
  })
  .describe("Who has to approve before a mission starts or a limit of it is loosened; never the author.");
export type Approvals = z.infer<typeof Approvals>;
