/** As much of a serialised TypeDoc project as is looked at. */
export interface SerializedProject {
  readonly children: readonly object[]
  readonly symbolIdMap: Readonly<Record<number, { readonly packageName: string }>>
}

/** One line for each fault. */
export function faultsOf(project: SerializedProject): string[]
