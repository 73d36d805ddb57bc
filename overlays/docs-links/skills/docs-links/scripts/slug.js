/** Anchors as the forge makes them from headings. One namer per document: it remembers what it has given out. */
export function createSlugger() {
  const given = new Map();
  return (heading) => {
    const base = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
      .replaceAll(" ", "-");
    let slug = base;
    let count = given.get(base) ?? 0;
    // A heading may be called "x-1" itself: then the second "x" becomes "x-2".
    while (given.has(slug)) slug = `${base}-${++count}`;
    given.set(base, count);
    given.set(slug, given.get(slug) ?? 0);
    return slug;
  };
}
