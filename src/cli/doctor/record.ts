import { existsSync } from "node:fs";
import { join } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import { plural } from "../format/words.ts";
import { type Published, readPublished } from "../record/published.ts";
import { verifyRecord } from "../record/verify.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** The record as `factory verify` sees it, compared with the newest head that was published. None is fine before the first start. */
export async function checkRecord(place: {
  readonly dataDir: string;
  readonly source: string | null;
  readonly branch: string;
}): Promise<readonly Finding[]> {
  const { dataDir, source, branch } = place;
  if (!existsSync(join(dataDir, "factory.db"))) return [ok("record", "there is none yet")];
  let published: Published | null = null;
  let uncompared = "";
  try {
    if (source !== null) published = await readPublished({ source, branch, dataDir });
  } catch (error) {
    if (!(error instanceof FactoryError)) throw error;
    uncompared = `; not compared with the status branch: ${error.message}`;
  }
  const { findings, events, clones } = await verifyRecord({ dataDir, published });
  const first = findings[0];
  const size = `${plural(events, "event")} of ${plural(clones, "clone")}`;
  if (first === undefined) {
    return uncompared === ""
      ? [ok("record", `${size}, whole`)]
      : [warn("record", `${size}, whole${uncompared}`, "`factory verify`, once the source can be read")];
  }
  return [
    fail(
      "record",
      `${plural(findings.length, "finding")} in ${size}: ${first.message}`,
      "`factory verify` shows all; `factory restore` rebuilds it",
    ),
  ];
}
