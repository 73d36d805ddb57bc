import type { DestinationEvent } from "../../model/fleet-event.ts";
import type { DestinationsState } from "../../model/fleet-state.ts";
import { sameValue } from "../../model/same.ts";
import { type FleetRules, ignored } from "../event-rules.ts";

export const DESTINATION_EVENTS: FleetRules<DestinationsState, DestinationEvent["type"]> = {
  "destinations.declared": {
    on: (part, { destinations }) =>
      part.declared !== null && sameValue(part.declared, destinations)
        ? ignored("they are declared like this already")
        : { ...part, declared: destinations },
    describe: ({ destinations }) =>
      destinations.length === 0
        ? "nobody is to be told of anything"
        : `notices go to ${destinations.map(({ name, type }) => `${name} (${type})`).join(", ")}`,
  },
  "destination.gone": {
    on: (part, { destination, declaration }) =>
      part.gone[destination] === declaration
        ? ignored(`${destination} is known to want nothing more`)
        : { ...part, gone: { ...part.gone, [destination]: declaration } },
    describe: ({ destination, reason }) => `${destination} wants no more notices: ${reason}`,
  },
  "destination.asked_again": {
    on(part, { destination }) {
      const { [destination]: gone, ...others } = part.gone;
      return gone === undefined ? ignored(`${destination} takes notices`) : { ...part, gone: others };
    },
    describe: ({ destination }) => `${destination} is to be sent notices again`,
  },
  "destination.down": {
    on: (part, { destination, since }) =>
      part.down[destination] === undefined
        ? { ...part, down: { ...part.down, [destination]: since } }
        : ignored(`${destination} is known to fail`),
    describe: ({ destination, reason }) => `notices do not get through to ${destination}: ${reason}`,
  },
  "destination.up": {
    on(part, { destination }) {
      const { [destination]: since, ...others } = part.down;
      return since === undefined ? ignored(`${destination} does not fail`) : { ...part, down: others };
    },
    describe: ({ destination }) => `notices get through to ${destination} again`,
  },
};
