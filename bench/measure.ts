/** One thing to measure: an operation by number, so that a pool of inputs can be walked. */
export interface Subject {
  readonly id: string
  run(index: number): Promise<unknown>
}

/** What a subject cost, each as a multiple of the baseline measured in the same round. */
export interface Cost {
  readonly id: string
  readonly cpu: number
  readonly wall: number
  /** Microseconds of CPU per operation: for the eye only, never for a budget. */
  readonly cpuMicroseconds: number
}

/** How a comparison is measured. */
export interface MeasureOptions {
  readonly inFlight: number
  /** Operations of one subject in one round. */
  readonly operations: number
  /** Rounds; every subject runs once in each, in turn, and the median over rounds counts. */
  readonly rounds: number
}

/** What one operation took, in microseconds. */
export interface Sample {
  readonly cpu: number
  readonly wall: number
}

/** Runs a subject's operations from one number on, so many at once; the cost of one, in microseconds. */
export async function sample(subject: Subject, from: number, options: Omit<MeasureOptions, 'rounds'>): Promise<Sample> {
  let next = from
  const end = from + options.operations
  const lane = async (): Promise<void> => {
    while (next < end) await subject.run(next++)
  }
  const cpu = process.cpuUsage()
  const wall = performance.now()
  await Promise.all(Array.from({ length: options.inFlight }, lane))
  const used = process.cpuUsage(cpu)
  return {
    cpu: (used.user + used.system) / options.operations,
    wall: ((performance.now() - wall) * 1000) / options.operations,
  }
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * Measures subjects against a baseline, interleaved: a machine that slows down slows all of a round,
 * and the ratio within the round stays true.
 */
export async function compare(
  baseline: Subject,
  subjects: readonly Subject[],
  options: MeasureOptions,
): Promise<readonly Cost[]> {
  const all = [baseline, ...subjects]
  for (const subject of all) await sample(subject, 0, { ...options, operations: Math.min(options.operations, 600) })
  const ratios = new Map<string, { cpu: number[]; wall: number[]; absolute: number[] }>(
    all.map(subject => [subject.id, { cpu: [], wall: [], absolute: [] }]),
  )
  for (let round = 0; round < options.rounds; round++) {
    // Turned round by round, so that no subject always runs after the same neighbour.
    const turned = round % 2 === 0 ? all : [...all].reverse()
    const samples = new Map<string, Sample>()
    for (const subject of turned) samples.set(subject.id, await sample(subject, round * options.operations, options))
    const base = samples.get(baseline.id)
    for (const [id, taken] of samples) {
      const row = ratios.get(id)
      if (!row || !base) continue
      row.cpu.push(taken.cpu / base.cpu)
      row.wall.push(taken.wall / base.wall)
      row.absolute.push(taken.cpu)
    }
  }
  return [...ratios].map(([id, row]) => ({
    id,
    cpu: median(row.cpu),
    wall: median(row.wall),
    cpuMicroseconds: median(row.absolute),
  }))
}

/** What was measured of a subject. Throws where it was left out. */
export function measuredOf<T>(all: ReadonlyMap<string, T>, id: string): T {
  const found = all.get(id)
  if (found === undefined) throw new Error(`${id} was left out`)
  return found
}
