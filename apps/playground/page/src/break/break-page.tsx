import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { AttackInfo, AttackKind, AttackResult, Scoreboard } from '../../../src/attacks/contract.js'
import type { ViewProps } from '../app.js'
import { json, loadScoreboard } from '../store.js'
import './break.css'
import { Row } from './row.js'

const kinds: ReadonlyArray<readonly [AttackKind, title: string, about: string]> = [
  ['message', 'The message', 'A party between agent and API changes what was signed.'],
  ['signature', 'The signature', 'Somebody else signs, nobody signs, or the signature is old.'],
  ['token', 'The token', 'A token is stolen, forged, or used after its end.'],
  ['flow', 'The flow', 'Codes, consents, approvals and tokens end up in the wrong hands.'],
]

const filters = ['all', 'held', 'not held'] as const
type Filter = (typeof filters)[number]

/** The scoreboard: every attack, and what came of it. */
export function BreakPage({ store, state, rest }: ViewProps): JSX.Element {
  const board = state.scoreboard
  const [filter, setFilter] = useState<Filter>('all')
  const [words, setWords] = useState('')
  const [alone, setAlone] = useState<string>()
  useEffect(() => {
    void loadScoreboard(store)
  }, [store])
  if (board === undefined) return <p>Loading the attacks …</p>
  const resultOf = (name: string): AttackResult | undefined => board.results.find(({ attack }) => attack === name)
  const makeOne = async (name: string): Promise<void> => {
    setAlone(name)
    // The result comes as an event, too.
    await json(`/api/attacks/${name}`, { method: 'POST' }).catch(() => undefined)
    setAlone(undefined)
  }
  const isShown = (attack: AttackInfo): boolean => {
    const result = resultOf(attack.name)
    const text = `${attack.title} ${attack.tries} ${result?.refusal?.reason ?? ''} ${result?.refusal?.clause ?? ''}`
    return (
      text.toLowerCase().includes(words.toLowerCase()) &&
      (filter === 'all' || (result !== undefined && (result.verdict === 'held') === (filter === 'held')))
    )
  }
  const shown = board.attacks.filter(isShown)
  const [open] = rest
  return (
    <div class="break">
      <h1>Break it</h1>
      <p class="lead">
        Attacks on the servers that run on this machine. Each one sends a request that must pass, and next to it the
        same request with a change, which must be refused for exactly what the attack is about. Nothing else counts as
        held.
      </p>
      <Summary board={board} />
      <div class="tools">
        <fieldset class="filters">
          <legend class="sr-only">Show</legend>
          {filters.map(name => (
            <label key={name}>
              <input type="radio" name="filter" checked={filter === name} onChange={() => setFilter(name)} />
              {name}
            </label>
          ))}
        </fieldset>
        <label class="search">
          Find{' '}
          <input
            type="search"
            value={words}
            onInput={event => setWords(event.currentTarget.value)}
            placeholder="token"
          />
        </label>
      </div>
      {shown.length === 0 ? <p class="quiet">No attack is like that.</p> : null}
      {kinds.map(([kind, title, about]) => {
        const attacks = shown.filter(attack => attack.kind === kind)
        return attacks.length === 0 ? null : (
          <section key={kind} class="kind">
            <h2>{title}</h2>
            <p class="quiet">{about}</p>
            <ul class="rows">
              {attacks.map(attack => (
                <Row
                  key={attack.name}
                  attack={attack}
                  result={resultOf(attack.name)}
                  isOpen={open === attack.name}
                  isRunning={alone === attack.name || current(board) === attack.name}
                  onMake={
                    board.state === 'running' || alone !== undefined ? undefined : () => void makeOne(attack.name)
                  }
                />
              ))}
            </ul>
          </section>
        )
      })}
    </div>
  )
}

/** The attack that is made now, of all. */
function current({ state, attacks, results }: Scoreboard): string | undefined {
  if (state !== 'running') return undefined
  return attacks.find(({ name }) => !results.some(({ attack }) => attack === name))?.name
}

function Summary({ board }: { readonly board: Scoreboard }): JSX.Element {
  const { attacks, results, state } = board
  const held = results.filter(({ verdict }) => verdict === 'held').length
  const isRunning = state === 'running'
  const start = (): void => void fetch('/api/attacks', { method: 'POST' })
  const now = attacks.find(({ name }) => name === current(board))
  return (
    <div class="card summary">
      <p class="count" data-held={held} data-made={results.length} data-all={attacks.length}>
        <strong class={results.length > held ? 'wrong' : 'right'}>{held}</strong> of {attacks.length} held
      </p>
      <ol class="strip" role="presentation" aria-hidden="true">
        {attacks.map(({ name }) => (
          <li
            key={name}
            class={classOf(
              results.find(({ attack }) => attack === name),
              isRunning && name === now?.name,
            )}
          />
        ))}
      </ol>
      <p class="progress" role="status">
        {isRunning
          ? `${results.length} of ${attacks.length} made. Now: ${now?.title ?? 'the last one'}`
          : results.length === 0
            ? 'Not made yet. It takes a quarter of a minute.'
            : results.length < attacks.length
              ? `${results.length} of ${attacks.length} made.`
              : held === attacks.length
                ? 'Every attack was refused, and every unmodified twin passed.'
                : `${attacks.length - held} did not hold: see the rows marked ✗.`}
      </p>
      <button type="button" class="main" disabled={isRunning} onClick={start}>
        {isRunning ? 'Attacking …' : 'Run all attacks'}
      </button>
    </div>
  )
}

function classOf(result: AttackResult | undefined, isNow: boolean): string {
  if (result === undefined) return isNow ? 'now' : 'open'
  return result.verdict === 'held' ? 'held' : 'fell'
}
