/** What must be true before anything comes up. */

import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import { REVISION } from "../../support/fleet.ts";
import {
  act,
  asks,
  BURIED,
  type Case,
  dispatch,
  ENDED,
  finished,
  happened,
  IDLE,
  judged,
  launch,
  NOTHING,
  prepares,
  READY,
  RUNNING,
  reviewed,
  STOPPING,
  same,
  type Told,
  withInstance,
  withMission,
} from "./story.ts";

judged("one-living-instance", [
  ["one after the other", [act("spawned", 1), act("died", 1), act("spawned", 2), act("died", 2)], null],
  ["one beside the other", [act("spawned", 1), act("spawned", 2)], "epoch 2 came up while epoch 1 lives"],
  [
    "two others",
    [act("spawned", 1), act("spawned", 2), act("spawned", 3)].slice(0, 2),
    "epoch 2 came up while epoch 1 lives",
  ],
  [
    "a lower one afterwards",
    [act("spawned", 5), act("died", 5), act("spawned", 4)],
    "epoch 4 came up after epoch 5",
  ],
  ["the same once more", [act("spawned", 5), act("died", 5), act("spawned", 5)], null],
  [
    "a lower one after a lower one",
    [act("spawned", 5), act("died", 5), act("fenced", 7), act("spawned", 6)],
    null,
  ],
  [
    "of two clones",
    [act("spawned", 1), { type: "act", act: "spawned", clone: "other", epoch: 1, nonce: "n" }],
    null,
  ],
  [
    "a death that is somebody else's",
    [act("spawned", 1), act("died", 2), act("paused", 1), act("spawned", 3)],
    "epoch 3 came up while epoch 1 lives",
  ],
]);

judged("epochs-only-grow", [
  ["up by one", [happened(NOTHING, [RUNNING, withInstance({ ...RUNNING, epoch: 2 }, { epoch: 2 })])], null],
  ["as it was", [happened(NOTHING, same(RUNNING))], null],
  ["down", [happened(NOTHING, [{ ...RUNNING, epoch: 2 }, RUNNING])], "its epoch went from 2 to 1"],
  [
    "up by two",
    [happened(NOTHING, [RUNNING, withInstance({ ...RUNNING, epoch: 3 }, { epoch: 3 })])],
    "its epoch went from 1 to 3",
  ],
  [
    "an instance below the highest epoch",
    [
      happened(NOTHING, [
        { ...RUNNING, epoch: 2 },
        { ...RUNNING, epoch: 2 },
      ]),
    ],
    "epoch 1 is its instance, 2 its highest epoch",
  ],
  [
    "an instance above it",
    [happened(NOTHING, same(withInstance(STOPPING, { epoch: 2 })))],
    "epoch 2 is its instance, 1 its highest epoch",
  ],
  ["one that is being stopped may be below", [happened(NOTHING, same({ ...STOPPING, epoch: 2 }))], null],
  [
    "one that was restored may be below",
    [
      happened(
        { ...NOTHING, type: "clone.restored" } as unknown as CloneEvent,
        same({ ...RUNNING, epoch: 2 }),
      ),
    ],
    null,
  ],
  [
    "a launch of a new epoch",
    [happened(NOTHING, [{ ...RUNNING, epoch: 0 }, RUNNING], { effects: [launch(1)] })],
    null,
  ],
  [
    "a launch of a used one",
    [happened(NOTHING, same(RUNNING), { effects: [launch(1)] })],
    "epoch 1 is launched again",
  ],
  [
    "the same launch twice",
    [
      happened(NOTHING, [{ ...RUNNING, epoch: 0 }, RUNNING], { effects: [{ type: "prepare" }, launch(1)] }),
      happened(NOTHING, [{ ...RUNNING, epoch: 0 }, RUNNING], { effects: [launch(1)] }),
    ],
    "epoch 1 is launched again",
  ],
  ["a body that comes up", [act("spawned", 1), act("died", 1), act("spawned", 2)], null],
  [
    "a body that comes up twice",
    [act("spawned", 1), act("died", 1), act("spawned", 1)],
    "epoch 1 came up twice",
  ],
]);

judged("reviewed-contract-first", [
  ["reviewed as it is", [reviewed(), prepares(IDLE)], null],
  ["nobody knows the repository", [prepares(IDLE)], null],
  ["no mission", [prepares({ ...IDLE, mission: null })], "it is started without a mission"],
  [
    "launched without one",
    [happened(NOTHING, same({ ...IDLE, mission: null }), { effects: [launch(1)] })],
    "it is started without a mission",
  ],
  [
    "nothing is started",
    [happened(NOTHING, same({ ...IDLE, mission: null }), { effects: [{ type: "pull", epoch: 1 }] })],
    null,
  ],
  [
    "over already",
    [prepares(withMission(IDLE, { terminal: ENDED }))],
    "it is started for audit, which is failed",
  ],
  [
    "another revision",
    [reviewed({ revision: "b" }), prepares(IDLE)],
    `audit is of revision ${REVISION}, which was never accepted`,
  ],
  [
    "the repository did not answer",
    [
      reviewed({ revision: "b" }),
      { type: "repository", ok: false },
      prepares(withMission(IDLE, { revision: "b" })),
    ],
    null,
  ],
  [
    "not in it",
    [reviewed({ missions: new Map() }), prepares(IDLE)],
    `revision ${REVISION} holds no usable contract of audit`,
  ],
  [
    "broken in it",
    [reviewed({ broken: new Set(["mission/audit"]) }), prepares(IDLE)],
    `revision ${REVISION} holds no usable contract of audit`,
  ],
  [
    "another objective",
    [reviewed({ objective: "rule the world" }), prepares(IDLE)],
    "the contract of audit is not the one that was reviewed",
  ],
  [
    "another run",
    [reviewed({ run: 2 }), prepares(IDLE)],
    "the contract of audit is not the one that was reviewed",
  ],
  [
    "another clone",
    [reviewed({ clone: "other" }), prepares(IDLE)],
    "the contract of audit is not the one that was reviewed",
  ],
  [
    "the clone of another one",
    [reviewed(), happened(NOTHING, same({ ...IDLE, name: "other" }), { effects: [{ type: "prepare" }] })],
    "the contract of audit is not the one that was reviewed",
  ],
]);

const dispatched = (state: CloneState): Told => happened(NOTHING, same(state), { effects: [dispatch(1)] });

judged("gates-before-dispatch", [
  ["all are met", [dispatched(READY)], null],
  ["nothing is dispatched", [happened(NOTHING, same(IDLE), { effects: [{ type: "prepare" }] })], null],
  [
    "no instance",
    [dispatched({ ...READY, instance: null })],
    "a mission is handed over without a kill handle on record",
  ],
  [
    "no handle",
    [dispatched(withInstance(READY, { handle: null }))],
    "a mission is handed over without a kill handle on record",
  ],
  [
    "being stopped",
    [dispatched(withInstance(READY, { stopping: { type: "withdrawn" } }))],
    "a mission is handed over without a kill handle on record",
  ],
  ...[
    "BaselineApplied",
    "OverlayApplied",
    "SecretsVerified",
    "EnvelopeValid",
    "KillSwitchArmed",
    "CallbackReachable",
    "Healthy",
  ].flatMap((type): Case[] => [
    [
      `${type} was not looked at`,
      [dispatched({ ...READY, gates: READY.gates.filter((gate) => gate.type !== type) })],
      `a mission is handed over although ${type} is not looked at`,
    ],
    [
      `${type} is not met`,
      [
        dispatched({
          ...READY,
          gates: READY.gates.map((gate) => (gate.type === type ? { ...gate, ok: false } : gate)),
        }),
      ],
      `a mission is handed over although ${type} is not met`,
    ],
  ]),
]);

judged("record-comes-first", [
  [
    "asked for, then there",
    [asks(launch(1, "n1")), act("spawned", 1, "n1"), asks(dispatch(1)), act("agent_started", 1)],
    null,
  ],
  ["not asked for", [act("spawned", 1)], "epoch 1 came up without a launch on record"],
  [
    "under another nonce",
    [asks(launch(1, "n1")), act("spawned", 1, "n2")],
    "epoch 1 came up without a launch on record",
  ],
  [
    "another epoch",
    [asks(launch(1, "n1")), act("spawned", 2, "n1")],
    "epoch 2 came up without a launch on record",
  ],
  [
    "an agent without its dispatch",
    [asks(launch(1)), act("agent_started", 1)],
    "an agent was started in epoch 1 without a dispatch on record",
  ],
  ["its end needs nobody", [act("died", 1), act("fenced", 1), act("paused", 1)], null],
]);

judged("lost-before-replaced", [
  ["dead before", [asks(launch(1)), happened(finished, [STOPPING, BURIED]), asks(launch(2))], null],
  [
    "not proven dead",
    [asks(launch(1)), asks(launch(2))],
    "epoch 2 is launched and epoch 1 is not proven dead",
  ],
  [
    "another one is dead",
    [asks(launch(1)), happened({ ...finished, epoch: 0 } as CloneEvent, [STOPPING, BURIED]), asks(launch(2))],
    "epoch 2 is launched and epoch 1 is not proven dead",
  ],
  [
    "its death was not taken",
    [asks(launch(1)), happened(finished, same(RUNNING), { ignored: true }), asks(launch(2))],
    "epoch 2 is launched and epoch 1 is not proven dead",
  ],
  ["nothing is launched", [asks(launch(1)), asks({ type: "pull", epoch: 1 })], null],
]);
