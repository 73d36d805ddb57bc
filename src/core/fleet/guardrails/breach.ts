import type { FleetPolicy } from "../../model/desired.ts";
import type { Breach } from "../../model/guardrail.ts";
import type { Measures } from "./measure.ts";

/** Which thresholds of `fleet.yaml` the measures are beyond. What is not known breaches nothing. */
export function breachesOf(measures: Measures, policy: FleetPolicy["guardrails"]): readonly Breach[] {
  const found: Breach[] = [];
  const of = `of the last ${measures.missions} closed missions`;
  const { successPercent, highIncidentsPerTen, acceptedP95Ms, interventionsPerMission } = measures;
  if (successPercent !== null && successPercent < policy.minSuccessPercent) {
    found.push({
      guardrail: "success",
      measured: successPercent,
      threshold: policy.minSuccessPercent,
      message: `${successPercent} % ${of} were accepted; at least ${policy.minSuccessPercent} % are asked for`,
    });
  }
  if (highIncidentsPerTen !== null && highIncidentsPerTen > policy.maxHighIncidentsPerTenMissions) {
    found.push({
      guardrail: "incidents",
      measured: highIncidentsPerTen,
      threshold: policy.maxHighIncidentsPerTenMissions,
      message: `${highIncidentsPerTen} serious incidents per ten ${of}; at most ${policy.maxHighIncidentsPerTenMissions} are allowed`,
    });
  }
  const p95 = acceptedP95Ms === null ? null : Math.round(acceptedP95Ms / 100) / 10;
  if (p95 !== null && p95 > policy.maxAcceptedP95Seconds) {
    found.push({
      guardrail: "latency",
      measured: p95,
      threshold: policy.maxAcceptedP95Seconds,
      message: `p95 from dispatch to accepted ${of} is ${p95} s; at most ${policy.maxAcceptedP95Seconds} s are allowed`,
    });
  }
  if (interventionsPerMission !== null && interventionsPerMission > policy.maxInterventionsPerMission) {
    found.push({
      guardrail: "interventions",
      measured: interventionsPerMission,
      threshold: policy.maxInterventionsPerMission,
      message: `${interventionsPerMission} interventions by hand per mission ${of}; at most ${policy.maxInterventionsPerMission} are allowed`,
    });
  }
  return found;
}
