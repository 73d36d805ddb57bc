/** A record that was lost is not begun anew, and its successor knows what was known outside of it. */
import { describe, expect, test } from "vitest";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { PublishedLane } from "../../simulation/check/fact.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { type Case, happened, same, type Told, verdict } from "./story.ts";

const LANE = new Life().running().state;
const MISSION = LANE.mission?.missionId ?? "";
const RESTORED: CloneEvent = {
  type: "clone.restored",
  snapshot: {},
  asOf: T0,
  epoch: 1,
  body: null,
  workspace: true,
  actions: [],
  anchor: null,
  evidence: "",
};
const published = (lane: Partial<PublishedLane> = {}): Told => ({
  type: "rebuilding",
  published: [{ clone: LANE.name, epoch: 1, missionId: MISSION, closed: [], ...lane }],
});
const lost: Told = { type: "lost" };
const rebuilt: Told = { type: "rebuilt" };
const restored = happened(RESTORED, same(LANE));
const spawned = (epoch: number): Told => ({
  type: "act",
  act: "spawned",
  clone: LANE.name,
  epoch,
  nonce: "n",
});
const other = happened({ type: "start.planned", reason: "" } as unknown as CloneEvent, same(LANE));

describe("loss-is-survived", () => {
  test.each<Case>([
    ["nothing is lost", [other], null],
    ["as it was", [lost, published(), restored, rebuilt, other], null],
    ["begun anew", [lost, other], "start.planned is recorded although the record is lost"],
    [
      "begun before it is whole",
      [lost, published(), restored, other],
      "start.planned is recorded although the record is lost",
    ],
    ["a lane is forgotten", [lost, published(), rebuilt], "it was published and is forgotten"],
    [
      "a closure is forgotten",
      [lost, published({ closed: ["m-0"] }), restored, rebuilt],
      "m-0 was closed and is forgotten",
    ],
    [
      "a mission is forgotten",
      [lost, published({ missionId: "m-9" }), restored, rebuilt],
      "mission m-9 was on its lane and is forgotten",
    ],
    [
      "an epoch that came up after it was published last",
      [spawned(3), lost, published(), restored, rebuilt],
      "it goes on from epoch 1, and epoch 3 was used",
    ],
    ["an attempt that is cut off and repeated", [lost, published(), published(), restored, rebuilt], null],
  ])("%s", (_name, story, found) => {
    expect(verdict("loss-is-survived", story)).toEqual(found === null ? [] : [found]);
  });
});
