import type { Requirement } from './requirement.js'

/** Every requirement, once. */
export const requirements: readonly Requirement[] = []
