/** What a person says after `factory restore` has named a key that nothing here vouches for: that it is ours. Nothing where it named none. */
export function wordOfTrust(preview: string): readonly string[] {
  const word = /--trust (\S+?)`/.exec(preview)?.[1];
  return word === undefined ? [] : ["--trust", word];
}
