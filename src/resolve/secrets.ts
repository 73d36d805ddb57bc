import type { FleetPolicy } from "../core/model/desired.ts";
import { refusalOfSecret, secretText } from "../core/model/secret-policy.ts";
import type { CloneSpec } from "../documents/schema/clone.ts";
import type { Finding } from "../documents/schema/explain.ts";
import { secretRef } from "./clone.ts";
import { isFile, type RepositoryTree } from "./files.ts";

/** Every reference that `fleet.yaml` does not allow, or whose encrypted file is not there. */
export function checkSecrets(
  { secrets }: CloneSpec,
  { fleet, tree }: { readonly fleet: FleetPolicy; readonly tree: RepositoryTree },
): Finding[] {
  return secrets.flatMap((secret, index): Finding[] => {
    const { from } = secretRef(secret);
    const path = ["spec", "secrets", index, "from"];
    const refused = refusalOfSecret(from, fleet.secrets);
    if (refused !== null) return [{ path, reason: "SecretNotAllowed", ...refused, found: secretText(from) }];
    const file = "age" in from ? from.age : "sops" in from ? from.sops : null;
    if (file === null || isFile(tree.get(file))) return [];
    const message = "there is no such file in the repository";
    return [
      { path, reason: "SecretFileMissing", message, found: file, expected: "a file that is encrypted" },
    ];
  });
}
