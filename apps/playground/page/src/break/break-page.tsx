import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { AttackResult, Scoreboard } from '../../../src/attacks/contract.js'
import type { ViewProps } from '../app.js'
import { json, loadScoreboard } from '../store.js'
import './break.css'
import { type Filter, Filters, isShown } from './filters.js'
import { attackKinds } from './kinds.js'
import { Row } from './row.js'
import { currentOf, Summary } from './summary.js'

/** The scoreboard: every attack, and what came of it. */
export function BreakPage({ store, state, rest }: ViewProps): JSX.Element {
  const board = state.scoreboard
  const [filter, setFilter] = useState<Filter>({ outcome: 'all', words: '' })
  useEffect(() => {
    void loadScoreboard(store)
  }, [store])
  return (
    <div class="break">
      <h1>Break it</h1>
      <p class="lead">
        Attacks on the servers that run on this machine. Each one sends a request that must pass, and next to it the
        same request with a change, which must be refused for exactly what the attack is about. Nothing else counts as
        held.
      </p>
      {board === undefined ? (
        <p>Loading the attacks …</p>
      ) : (
        <>
          <Summary board={board} />
          <Filters filter={filter} onChange={setFilter} />
          <Rows board={board} filter={filter} open={rest[0]} />
        </>
      )}
    </div>
  )
}

interface RowsProps {
  readonly board: Scoreboard
  readonly filter: Filter
  /** The name of the attack that is shown in full. */
  readonly open: string | undefined
}

function Rows({ board, filter, open }: RowsProps): JSX.Element {
  const [alone, setAlone] = useState<string>()
  const resultOf = (name: string): AttackResult | undefined => board.results.find(({ attack }) => attack === name)
  const shown = board.attacks.filter(attack => isShown(attack, resultOf(attack.name), filter))
  const isBusy = board.state === 'running' || alone !== undefined
  const make = async (name: string): Promise<void> => {
    setAlone(name)
    // The result comes as an event.
    await json(`/api/attacks/${name}`, { method: 'POST' }).catch(() => undefined)
    setAlone(undefined)
  }
  if (shown.length === 0) return <p class="quiet">No attack is like that.</p>
  return (
    <>
      {attackKinds
        .filter(({ kind }) => shown.some(attack => attack.kind === kind))
        .map(({ kind, title, about }) => (
          <section key={kind} class="kind">
            <h2>{title}</h2>
            <p class="quiet">{about}</p>
            <ul class="rows">
              {shown
                .filter(attack => attack.kind === kind)
                .map(attack => (
                  <Row
                    key={attack.name}
                    attack={attack}
                    result={resultOf(attack.name)}
                    isOpen={open === attack.name}
                    isRunning={alone === attack.name || currentOf(board) === attack.name}
                    onMake={isBusy ? undefined : () => void make(attack.name)}
                  />
                ))}
            </ul>
          </section>
        ))}
    </>
  )
}
