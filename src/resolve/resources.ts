import type { z } from "zod";
import {
  RESOURCE_FIELDS,
  RESOURCE_NAMES,
  type ResourceLimits,
  type Resources,
} from "../core/model/resources.ts";
import type { Resources as Written } from "../documents/schema/common.ts";

type WrittenResources = z.infer<typeof Written>;

/** As a file says them, in the words of the core. */
export function resourcesOf(written: WrittenResources | undefined): Resources {
  return Object.fromEntries(
    RESOURCE_NAMES.flatMap((name) => {
      const value = written?.[RESOURCE_FIELDS[name]];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** A clone's own limits, and the fleet's where it has none. Null: nobody says anything. */
export function limitsFrom(
  own: WrittenResources | undefined,
  defaults: Resources | undefined,
): ResourceLimits | null {
  const declared = resourcesOf(own);
  const limits = { ...defaults, ...declared };
  if (Object.keys(limits).length === 0) return null;
  return { ...limits, demanded: RESOURCE_NAMES.filter((name) => declared[name] !== undefined) };
}
