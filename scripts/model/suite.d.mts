import type { ListedCase } from '@countersign/conformance'
import type { Model, Protection } from './read.mjs'

/** Attacks that no suite can run from outside. */
export declare const insideOnlyCases: ReadonlyArray<{ readonly ids: readonly string[]; readonly why: string }>
/** The cases of the suite that run the attack on a protection. */
export function suiteCases(protection: Protection): ListedCase[]
/** Why only tests inside run the attack on a protection. */
export function whyInside(protection: Protection): string | undefined
/** Attacks that the suite does not run. */
export function notInSuite(
  models: readonly Model[],
): Array<{ readonly id: string; readonly clause: string; readonly why: string | undefined }>
