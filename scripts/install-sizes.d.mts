import type { Packed } from './pack.mjs'

/** What was installed with a package. */
export interface InstallSize {
  readonly names: readonly string[]
  readonly bytes: number
}

export function installSize(
  one: { readonly name: string; readonly without?: readonly string[] },
  packed: readonly Packed[],
  use?: (folder: string) => void,
): InstallSize
