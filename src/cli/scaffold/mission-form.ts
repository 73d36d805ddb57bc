/**
 * The form in which somebody asks for a mission. What it asks, and how its answers are read again, is one table: see
 * `read-mission-form.ts`.
 */
import { stringify } from "yaml";

export interface FormField {
  readonly id: string;
  /** The heading above the answer; each is there once. */
  readonly label: string;
  readonly type: "input" | "textarea" | "dropdown";
  /** Of a dropdown: the answer is one of them. */
  readonly options?: readonly string[];
  readonly description: string;
  readonly required: boolean;
  readonly placeholder?: string;
}

export const MISSION_FORM = {
  name: {
    id: "name",
    label: "Name",
    type: "input",
    description: "Lower-case letters, digits and inner hyphens. Its files are called so.",
    required: true,
    placeholder: "weekly-links",
  },
  type: {
    id: "type",
    label: "Type",
    type: "dropdown",
    description: "What kind of work it is. Rules of approval may ask for it.",
    required: true,
    options: ["research", "coding", "automation", "custom"],
  },
  objective: {
    id: "objective",
    label: "Objective",
    type: "textarea",
    description: "What is true afterwards that is not true now?",
    required: true,
  },
  criteria: {
    id: "criteria",
    label: "How will we know",
    type: "textarea",
    description: "One criterion a line. A person decides each until the pull request names a check for it.",
    required: true,
  },
  material: {
    id: "material",
    label: "Material",
    type: "textarea",
    description: "Files of this repository that it needs, and folders that end in /; one a line.",
    required: false,
    placeholder: "docs/\nREADME.md",
  },
  outputs: {
    id: "outputs",
    label: "What it hands in",
    type: "textarea",
    description:
      "Files that have to be there at the end; one a line. Without any, those that its overlay makes.",
    required: false,
    placeholder: "reports/links.md",
  },
  runtime: {
    id: "runtime",
    label: "Minutes at most",
    type: "input",
    description: "Time in which its agent runs and is not paused.",
    required: true,
    placeholder: "120",
  },
  calls: {
    id: "calls",
    label: "Model calls at most",
    type: "input",
    description: "Without a number, the cap of the fleet.",
    required: false,
    placeholder: "500",
  },
  cost: {
    id: "cost",
    label: "US dollars at most",
    type: "input",
    description: "Without a number, the cap of the fleet.",
    required: false,
    placeholder: "10",
  },
  limits: {
    id: "limits",
    label: "It must not",
    type: "textarea",
    description: "What would be worse than no result?",
    required: false,
  },
  overlay: {
    id: "overlay",
    label: "Overlay",
    type: "input",
    description: "What its clone is made of, by name. Without one, that of a new mission.",
    required: false,
    placeholder: "docs-links",
  },
} as const satisfies Readonly<Record<string, FormField>>;

const INCIDENT_FORM: readonly FormField[] = [
  { id: "subject", label: "Mission or clone", type: "input", description: "Its name.", required: true },
  {
    id: "class",
    label: "What kind",
    type: "dropdown",
    description: "Runbook 6: duplicate action, callback failures, runaway. 5: heartbeat and budget.",
    required: true,
    options: [
      "duplicate action",
      "missing heartbeat",
      "missed callback",
      "runaway",
      "survived a kill",
      "wrong verdict",
      "other",
    ],
  },
  {
    id: "facts",
    label: "What happened, when",
    type: "textarea",
    description:
      "Facts first. The output of `factory why NAME` and `factory events NAME` helps; it holds no secrets.",
    required: true,
  },
  {
    id: "done",
    label: "What was done about it",
    type: "textarea",
    description: "Kill, pause, rollback; by whom. A runaway needs a postmortem before its mission is closed.",
    required: false,
  },
];

/** As GitHub and Forgejo read it. */
export function missionForm(): string {
  return form({
    name: "Mission",
    description:
      "Something that a clone should do. `factory new mission --from-issue` makes a pull request of it.",
    label: "mission",
    fields: Object.values(MISSION_FORM),
  });
}

export function incidentForm(): string {
  return form({
    name: "Incident",
    description: "A clone did something that it should not have done, or did not do what it should.",
    label: "incident",
    fields: INCIDENT_FORM,
  });
}

/** For a forge without forms: the same headings, to be filled in. */
export function missionTemplate(): string {
  return template(Object.values(MISSION_FORM));
}

export function incidentTemplate(): string {
  return template(INCIDENT_FORM);
}

function template(fields: readonly FormField[]): string {
  return fields
    .map(({ label, description, required, options = [] }) => {
      const choice = options.length === 0 ? "" : ` One of: ${options.join(", ")}.`;
      return `### ${label}\n\n<!-- ${description}${choice}${required ? "" : " May stay empty."} -->\n`;
    })
    .join("\n");
}

function form(parts: {
  readonly name: string;
  readonly description: string;
  readonly label: string;
  readonly fields: readonly FormField[];
}): string {
  const { name, description, label, fields } = parts;
  const body = fields.map(({ id, label: heading, type, description, required, placeholder, options }) => ({
    type,
    id,
    attributes: {
      label: heading,
      description,
      ...(placeholder === undefined ? {} : { placeholder }),
      ...(options === undefined ? {} : { options }),
    },
    ...(required ? { validations: { required } } : {}),
  }));
  return stringify({ name, description, labels: [label], body }, { lineWidth: 110 });
}
