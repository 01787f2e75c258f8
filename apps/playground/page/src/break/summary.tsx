import type { JSX } from 'preact'
import type { AttackResult, Scoreboard } from '../../../src/attacks/contract.js'

/** The attack that is made now, of all. */
export function currentOf({ state, attacks, results }: Scoreboard): string | undefined {
  if (state !== 'running') return undefined
  return attacks.find(({ name }) => !results.some(({ attack }) => attack === name))?.name
}

/** How many attacks have held, and the button that makes all of them. */
export function Summary({ board }: { readonly board: Scoreboard }): JSX.Element {
  const { attacks, results, state } = board
  const held = results.filter(({ verdict }) => verdict === 'held').length
  const isRunning = state === 'running'
  const start = (): void => void fetch('/api/attacks', { method: 'POST' })
  const now = currentOf(board)
  return (
    <div class="card summary">
      <p class="count" data-held={held} data-made={results.length} data-all={attacks.length}>
        <strong class={results.length > held ? 'wrong' : held === 0 ? 'quiet' : 'right'}>{held}</strong> of{' '}
        {attacks.length} held
      </p>
      <ol class="strip" aria-hidden="true">
        {attacks.map(({ name }) => (
          <li
            key={name}
            class={classOf(
              results.find(({ attack }) => attack === name),
              name === now,
            )}
          />
        ))}
      </ol>
      <p class="progress">{progressOf(board, held)}</p>
      {/* A screen reader hears of the begin and the end, and not of each attack. */}
      <p class="sr-only" role="status">
        {isRunning ? 'Attacking.' : results.length === 0 ? '' : `${held} of ${attacks.length} held.`}
      </p>
      <button type="button" class="main" disabled={isRunning} onClick={start}>
        {isRunning ? 'Attacking …' : 'Run all attacks'}
      </button>
    </div>
  )
}

function progressOf(board: Scoreboard, held: number): string {
  const { attacks, results, state } = board
  const made = `${results.length} of ${attacks.length} made.`
  const now = attacks.find(({ name }) => name === currentOf(board))
  if (state === 'running') return now === undefined ? made : `${made} Now: ${now.title}`
  if (results.length === 0) return 'Not made yet. It takes a quarter of a minute.'
  if (results.length < attacks.length) return made
  return held === attacks.length
    ? 'Every attack was refused, and every unmodified twin passed.'
    : `${attacks.length - held} did not hold: see the rows marked ✗.`
}

function classOf(result: AttackResult | undefined, isNow: boolean): string {
  if (result === undefined) return isNow ? 'now' : 'open'
  return result.verdict === 'held' ? 'held' : 'fell'
}
