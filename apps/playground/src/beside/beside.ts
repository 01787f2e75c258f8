import { rmSync } from 'node:fs'
import { clearStage } from '../clear-stage.js'
import type { LiveEvent, ShownMessage } from '../explorer/contract.js'
import type { Participants } from '../participants.js'
import { playColumn } from './column.js'
import type { BesideColumn, BesideOverview, BesideResult, DimensionName } from './contract.js'
import { dimensionNames, dimensions, plans } from './plans.js'
import { worldsOf } from './worlds.js'

/** What the comparison needs of the recorder. */
export interface BesideRecorder {
  alone<T>(work: () => Promise<T>): Promise<T>
  listen(listener: (event: LiveEvent) => void): () => void
  tell(event: LiveEvent): void
}

/** Plays the same thing in both worlds, and keeps the last result of each dimension. */
export interface Beside {
  overview(): BesideOverview
  result(dimension: DimensionName): BesideResult
  /** Plays a dimension after what plays already. Resolves when it has ended; rejects only if everything starts afresh before it begins. */
  play(dimension: DimensionName): Promise<BesideResult>
}

export function createBeside(participants: Participants, recorder: BesideRecorder): Beside {
  // bound: the nine dimensions; grown by the program
  const results = new Map<DimensionName, BesideResult>()
  const result = (dimension: DimensionName): BesideResult =>
    results.get(dimension) ?? { dimension, state: 'waiting', columns: [] }
  /** Plays that have been asked for and have not ended, so that a second click does not queue a second play. */
  // bound: the nine dimensions; grown by the program
  const underWay = new Map<DimensionName, Promise<BesideResult>>()
  const listen = (listener: (message: ShownMessage) => void): (() => void) =>
    recorder.listen(event => {
      if (event.type === 'message' && !isVisitors(event.message)) listener(event.message)
    })

  async function playAlone(dimension: DimensionName): Promise<BesideResult> {
    const tell = (doing?: { readonly column: string; readonly doing: string }): void =>
      recorder.tell({ type: 'beside', dimension, state: 'playing', ...doing })
    tell({ column: '', doing: 'starts the OAuth world' })
    const columns: BesideColumn[] = []
    let ended: BesideResult
    try {
      await participants.startOAuthWorld()
      await clearStage(participants)
      const worlds = worldsOf(participants)
      for (const plan of plans[dimension].columns) {
        // The tokens of the column before are not at rest in this one.
        rmSync(worlds.files.tokens, { force: true })
        const onStep = (doing: string): void => tell({ column: plan.title, doing })
        columns.push(await playColumn(plan, { worlds, listen, onStep }))
      }
      ended = { dimension, state: 'ended', columns }
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error)
      ended = { dimension, state: 'ended', columns, fault }
    }
    results.set(dimension, ended)
    recorder.tell({ type: 'beside', dimension, state: 'ended' })
    return ended
  }

  return {
    overview: () => ({ dimensions, results: dimensionNames.map(result) }),
    result,
    play(dimension) {
      const playing =
        underWay.get(dimension) ?? recorder.alone(() => playAlone(dimension)).finally(() => underWay.delete(dimension))
      underWay.set(dimension, playing)
      return playing
    },
  }
}

/** Whether a message is of a visitor's own browser or program, which may call at any time. */
function isVisitors({ from, request }: ShownMessage): boolean {
  if (from !== 'elsewhere') return false
  return request.headers.some(
    ([name, value]) => name.toLowerCase() === 'user-agent' && /^(?:Mozilla|curl)\b/.test(value),
  )
}
