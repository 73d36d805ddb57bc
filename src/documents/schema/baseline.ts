import { z } from "zod";
import {
  Commit,
  documentSchema,
  FileOrFolderPath,
  Name,
  TEXT_CHARS_MAX,
  uniqueList,
  Version,
} from "./common.ts";

export const BaselineSpec = z
  .strictObject({
    version: Version,
    files: FileOrFolderPath.optional().meta({
      description: "Folder of the skeleton, beside this document.",
      default: "files/",
    }),
    source: z
      .strictObject({
        git: z.string().min(1).max(TEXT_CHARS_MAX),
        ref: Commit,
        path: FileOrFolderPath.optional(),
      })
      .optional()
      .describe("A skeleton kept in another repository, at a full commit."),
    agents: uniqueList(Name).default([]).describe("Files `.claude/agents/<id>.md` of the skeleton."),
    skills: uniqueList(Name).default([]).describe("Folders `.claude/skills/<name>/` of the skeleton."),
    policies: uniqueList(Name).default([]).describe("Files `policies/<id>.md` that an overlay may remove."),
    mandatory_policies: uniqueList(Name)
      .default([])
      .describe("Files `policies/<id>.md` that no overlay may remove."),
  })
  .refine((spec) => spec.files === undefined || spec.source === undefined, {
    message: "has both `files` and `source`",
  })
  .meta({ not: { required: ["files", "source"] }, description: "The shared skeleton." });
export type BaselineSpec = z.infer<typeof BaselineSpec>;

export const BaselineDocument = documentSchema({
  kind: "Baseline",
  name: Name,
  spec: BaselineSpec,
  description: "The shared agent skeleton, versioned.",
});
export type BaselineDocument = z.infer<typeof BaselineDocument>;
