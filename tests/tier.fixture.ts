/** Whether this is a run of the long tier, in which everything is tried in full. */
export const isLong: boolean = process.env['COUNTERSIGN_LONG'] === '1'

/** All of a kind in the long tier; else the first, which stands for the others, since their code is the same. */
export function ofKind<T>(all: readonly T[]): readonly T[] {
  return isLong ? all : all.slice(0, 1)
}

/** For the title of a test that only the long tier runs. */
export const longOnly: string = isLong ? '' : ' (skipped: runs in the long tier)'
