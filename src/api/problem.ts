import { z } from "zod";
import { named } from "./named.ts";
import type { Wire } from "./wire.ts";

const ProblemField = z.object({
  /** Dotted path in the input, or the name of the parameter or header. */
  field: z.string(),
  message: z.string(),
  found: z.string().exactOptional(),
  expected: z.string().exactOptional(),
});
export type ProblemField = Wire<typeof ProblemField>;

/** `application/problem+json` (RFC 9457), with a stable `code` for programs. */
export const Problem = named(
  "Problem",
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    errors: z.array(ProblemField).exactOptional(),
  }),
);
export type Problem = Wire<typeof Problem>;
