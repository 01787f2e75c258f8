import { useEffect, useState } from 'preact/hooks'
import type { Known } from '../../../src/analysis/known.js'
import { json, type State } from '../store.js'

/** What the parties publish, as the playground has seen it; read anew when a story has ended. */
export function useKnown({ house, runs }: State): Known {
  const [known, setKnown] = useState<Known>({ parties: house?.parties ?? [], documents: {} })
  const ended = Object.values(runs).filter(run => run.state === 'ended').length
  useEffect(() => {
    let isCurrent = true
    json<Known>('/api/known').then(
      read => {
        if (isCurrent) setKnown(read)
      },
      () => undefined,
    )
    return () => {
      isCurrent = false
    }
  }, [ended])
  return known
}
