/** Grants that have ended. @see protocol §6.6 */
export interface Revocations {
  add(issuer: string, grant: string, exp: number): void
  has(issuer: string, grant: string): boolean
}

/** Opens what is kept in memory. `now` is in seconds. */
export function openRevocations(now: () => number): Revocations {
  const until = new Map<string, number>()
  return {
    add(issuer, grant, exp) {
      const name = `${issuer} ${grant}`
      until.set(name, Math.max(until.get(name) ?? 0, exp + 60))
    },
    has: (issuer, grant) => (until.get(`${issuer} ${grant}`) ?? 0) > now(),
  }
}
