import type { Refusal } from './decision.js'

/** One rule that a request must meet. */
export interface Check<R> {
  readonly name: string
  /**
   * Why the request does not pass; undefined where it does.
   * @throws AAuthError for a refusal whose challenge follows from its code
   */
  refusal(request: R): Promise<Refusal | undefined>
}

/** Runs checks in order. @returns the refusal of the first that refuses; undefined when all let the request pass */
export async function firstRefusal<R>(request: R, checks: ReadonlyArray<Check<R>>): Promise<Refusal | undefined> {
  for (const check of checks) {
    const refusal = await check.refusal(request)
    if (refusal !== undefined) return refusal
  }
  return undefined
}
