/** Who has a folder on the status branch, and where the rest stands. */
import { describe, expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { fleetView } from "../../../src/core/status/fleet.ts";
import { inboxOf } from "../../../src/core/status/inbox.ts";
import { type Pages, pagesOf } from "../../../src/core/status/pages.ts";
import { FOLDERS_MAX, placesOf } from "../../../src/core/status/places.ts";
import { statusText } from "../../../src/reconciler/publish/status-files.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { aPicture } from "./snapshot.ts";

const waiting = (n: number): CloneState =>
  new Life(`factory_wait-${n}_20261123`).declared().assigned({}, `wait-${n}`).state;

const over = (n: number): CloneState => {
  const { state } = new Life("x").running().reports("mission.completed", { summary: "done" }).dead().judged();
  const past = state.past.map((one) => ({
    ...one,
    name: `over-${n}`,
    missionId: `m_over_${n}`,
    closedAt: T0 + n * 60_000,
    decision: "retire" as const,
  }));
  return { ...state, name: `factory_over-${n}_20261123`, past };
};

function told(states: readonly CloneState[]) {
  const fleetSnapshot = aPicture(states);
  const view = fleetView(fleetSnapshot);
  const places = placesOf(view, fleetSnapshot.states, inboxOf(fleetSnapshot));
  const { files } = statusText(fleetSnapshot);
  return { places, pages: pagesOf(view, fleetSnapshot.states, places), files, paths: [...files.keys()] };
}

const many = (count: number, make: (n: number) => CloneState) =>
  Array.from({ length: count }, (_, n) => make(n));
const rows = (pages: Pages[keyof Pages]) =>
  pages.flatMap(({ text }) => text.split("\n").filter((line) => /^\| (?!(Mission|Clone) \|)/.test(line)));

describe("a fleet of any size", () => {
  test("that is small has a folder for everything, and no page", () => {
    const { paths } = told([...many(5, waiting), ...many(5, over)]);
    expect(paths.filter((path) => path.startsWith("pages/"))).toEqual([]);
    expect(paths.filter((path) => /^missions\/[^/]+\/status.yaml$/.test(path))).toHaveLength(10);
    expect(paths.filter((path) => /^clones\/[^/]+\/status.yaml$/.test(path))).toHaveLength(10);
    expect(paths.filter((path) => path.endsWith("/closure.md"))).toHaveLength(5);
  });

  test("that is large has folders for what matters most, and a row for everything else", () => {
    const works = new Life("factory_works_20261123").running().state;
    const paused = new Life("factory_zz-paused_20261123")
      .declared()
      .assigned({}, "zz-paused")
      .on({
        type: "hold.placed",
        hold: {
          kind: "operator",
          owner: "operator:ann",
          since: T0,
          reason: "PausedByHand",
          message: "wait",
          clearBy: "operator",
        },
        by: operator("ann"),
      }).state;
    const closed = many(FOLDERS_MAX, over);
    const { places, pages, files, paths } = told([...many(300, waiting), ...closed, works, paused]);
    const order = [...places.missions];
    expect(order).toHaveLength(FOLDERS_MAX);
    // Who waits for a person, then who works, then the newest closures.
    expect(order.slice(0, 4)).toEqual([
      paused.mission?.missionId,
      works.mission?.missionId,
      `m_over_${FOLDERS_MAX - 1}`,
      `m_over_${FOLDERS_MAX - 2}`,
    ]);
    expect(rows(pages.missions)).toHaveLength(300);
    expect(rows(pages.closed)).toHaveLength(2);
    expect(rows(pages.closed).join()).toContain("**over-0** run 1");
    expect(paths.filter((path) => path.endsWith("/closure.md"))).toHaveLength(FOLDERS_MAX - 2);
    expect(paths.filter((path) => /^clones\/[^/]+\/status.yaml$/.test(path))).toHaveLength(FOLDERS_MAX);
    expect(rows(pages.clones)).toHaveLength(302);

    const board = files.get("README.md") ?? "";
    for (const { path } of [...pages.missions, ...pages.closed, ...pages.clones]) {
      expect(files.has(path)).toBe(true);
      expect(board).toContain(`](${path})`);
    }
    const linked = [...board.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path ?? "");
    for (const path of linked) expect(files.has(path)).toBe(true);
    // Every mission has a folder or a row.
    for (let n = 0; n < 300; n++) expect(rows(pages.missions).join("\n")).toContain(`**wait-${n}**`);
  });

  test("writes few pages again when a mission leaves its row", () => {
    const before = told(many(2_000, waiting));
    const after = told(
      many(2_000, (n) =>
        n === 1_234 ? new Life(`factory_wait-${n}_20261123`).declared().state : waiting(n),
      ),
    );
    const changed = after.paths.filter(
      (path) => path.startsWith("pages/missions/") && before.files.get(path) !== after.files.get(path),
    );
    expect(before.pages.missions.length).toBeGreaterThan(8);
    expect(changed.length).toBeLessThanOrEqual(3);
  });
});
