/** Names of accounts and repositories on GitHub are the same whatever the case of their letters. */
export function sameLogin(a: string | null | undefined, b: string): boolean {
  return a?.toLowerCase() === b.toLowerCase();
}
