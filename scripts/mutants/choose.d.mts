import type { Mutant } from './list.mjs'

/** Which mutants are judged. */
export interface Choice {
  readonly only?: readonly string[]
  readonly group?: readonly string[]
  readonly role?: string
  readonly outside?: boolean
  readonly inside?: boolean
  readonly sample?: string
  readonly seed?: string
}

export function chooseMutants(all: readonly Mutant[], choice: Choice): Mutant[]
