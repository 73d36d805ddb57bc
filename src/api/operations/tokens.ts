/** Who may ask what: tokens of people. */
import { z } from "zod";
import { ROLES } from "../../core/model/role.ts";
import { Moment, Name } from "./inputs.ts";
import { look, order } from "./operation.ts";

/** As it is recorded, and as `approvers` in fleet.yaml says it. */
const PersonName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]*$/);
/** A year: whoever is still there then gets a new one. */
const DAYS_MAX = 366;
const DAYS_DEFAULT = 90;

export const TokenShape = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  created_at: Moment,
  created_by: z.string(),
  expires_at: Moment,
  revoked_at: Moment.nullable(),
});

export const tokenOperations = {
  tokens: look({
    summary: "Lists who may ask this controller, with which role and until when. No token is shown.",
    path: "/v1/tokens",
    output: z.object({ tokens: z.array(TokenShape) }),
    access: "admin",
  }),
  createToken: order({
    summary: "Makes a token for one person. It is shown this once; only its hash is kept.",
    path: "/v1/tokens/create",
    input: z.strictObject({
      name: PersonName.meta({ description: "Of the person: what they do is recorded under it." }),
      role: z.enum(ROLES),
      days: z.int().min(1).max(DAYS_MAX).default(DAYS_DEFAULT).meta({ description: "Until it is over." }),
    }),
    output: z.object({ message: z.string(), token: z.string(), id: z.string(), expires_at: Moment }),
    access: "admin",
  }),
  revokeToken: order({
    summary: "Ends a token at once. What was done with it stays recorded.",
    path: "/v1/tokens/revoke",
    input: z.strictObject({ id: Name }),
    access: "admin",
  }),
};
