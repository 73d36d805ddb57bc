import { BaselineDocument } from "./baseline.ts";
import { CloneDocument } from "./clone.ts";
import { FleetDocument } from "./fleet.ts";
import { MissionDocument } from "./mission.ts";
import { OverlayDocument } from "./overlay.ts";

/** Every kind and its shape. One source of truth: types, validation and the JSON Schemas come from here. */
export const KINDS = {
  Fleet: FleetDocument,
  Mission: MissionDocument,
  Clone: CloneDocument,
  Overlay: OverlayDocument,
  Baseline: BaselineDocument,
} as const;

export type Kind = keyof typeof KINDS;
export type AnyDocument =
  | FleetDocument
  | MissionDocument
  | CloneDocument
  | OverlayDocument
  | BaselineDocument;

export function isKind(value: unknown): value is Kind {
  return typeof value === "string" && Object.hasOwn(KINDS, value);
}
