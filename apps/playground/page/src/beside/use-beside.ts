import { useEffect, useState } from 'preact/hooks'
import type { BesideOverview, BesideResult, DimensionName } from '../../../src/beside/contract.js'
import { json, type State } from '../store.js'

/** What the page knows of the comparison. */
export interface BesideState {
  /** Absent until it is loaded. */
  readonly overview: BesideOverview | undefined
  /** Dimensions that have been asked for and have not ended. */
  readonly waiting: readonly DimensionName[]
  /** Asks for these to be played, one after the other. */
  play(names: readonly DimensionName[]): void
  result(name: DimensionName): BesideResult
}

/** Loads the comparison, and follows its plays. */
export function useBeside({ beside: event, isLive }: State): BesideState {
  const [overview, setOverview] = useState<BesideOverview | undefined>()
  const [waiting, setWaiting] = useState<readonly DimensionName[]>([])
  useEffect(() => {
    // Also after the connection was away: what was missed is in the results.
    void json<BesideOverview>('/api/beside').then(setOverview)
  }, [isLive])
  useEffect(() => {
    if (event?.state !== 'ended') return
    void json<BesideResult>(`/api/beside/${event.dimension}`).then(result => {
      setOverview(known => known && { ...known, results: known.results.map(old => replaced(old, result)) })
      setWaiting(names => names.filter(name => name !== event.dimension))
    })
  }, [event])
  return {
    overview,
    waiting,
    play(names) {
      setWaiting(known => [...known, ...names.filter(name => !known.includes(name))])
      for (const name of names) void fetch(`/api/beside/${name}`, { method: 'POST' })
    },
    result: name =>
      overview?.results.find(({ dimension }) => dimension === name) ?? {
        dimension: name,
        state: 'waiting',
        columns: [],
      },
  }
}

function replaced(old: BesideResult, fresh: BesideResult): BesideResult {
  return old.dimension === fresh.dimension ? fresh : old
}
