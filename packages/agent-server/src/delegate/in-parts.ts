/** Delegates that one transaction revokes or forgets: a million would exceed its deadline and block all other writes. */
export const atOnce = 500

/** Changes delegates in parts, in order of `sub`; returns how many. */
export async function changeInParts(
  part: (after: string) => Promise<ReadonlyArray<{ readonly sub: string }>>,
  change: (subs: readonly string[]) => Promise<number>,
): Promise<number> {
  let changed = 0
  for (let after = ''; ; ) {
    const subs = (await part(after)).map(({ sub }) => sub)
    const last = subs.at(-1)
    if (last === undefined) return changed
    changed += await change(subs)
    after = last
  }
}
