/** One measured row. */
export interface Result {
  readonly id: string
  readonly inFlight: number
  /** As a multiple of the row's baseline, which `detail` names. */
  readonly ratio: number
  /** The most `ratio` may be; absent where a row is there for comparison. */
  readonly budget?: number
  readonly ok: boolean
  readonly detail: string
}

/** A named bench. */
export interface Bench {
  readonly name: string
  run(): Promise<readonly Result[]>
}

/** A row with its verdict. */
export function result(row: Omit<Result, 'ok'>): Result {
  return { ...row, ratio: Math.round(row.ratio * 1000) / 1000, ok: row.budget === undefined || row.ratio <= row.budget }
}
