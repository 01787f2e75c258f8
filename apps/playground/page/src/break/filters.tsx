import type { JSX } from 'preact'
import type { AttackResult, ListedAttack } from '../../../src/attacks/contract.js'

const outcomes = ['all', 'held', 'not held'] as const

/** Which attacks are shown. */
export interface Filter {
  readonly outcome: (typeof outcomes)[number]
  /** What title, description, reason or clause must contain. */
  readonly words: string
}

/** Whether an attack is shown. */
export function isShown(
  { title, tries, clause }: ListedAttack,
  result: AttackResult | undefined,
  filter: Filter,
): boolean {
  const text = `${title} ${tries} ${result?.refusal?.reason ?? ''} ${clause}`
  if (!text.toLowerCase().includes(filter.words.toLowerCase())) return false
  if (filter.outcome === 'all') return true
  return result !== undefined && (result.verdict === 'held') === (filter.outcome === 'held')
}

interface FiltersProps {
  readonly filter: Filter
  readonly onChange: (filter: Filter) => void
}

export function Filters({ filter, onChange }: FiltersProps): JSX.Element {
  return (
    <div class="tools">
      <fieldset class="filters">
        <legend class="sr-only">Show</legend>
        {outcomes.map(outcome => (
          <label key={outcome}>
            <input
              type="radio"
              name="filter"
              checked={filter.outcome === outcome}
              onChange={() => onChange({ ...filter, outcome })}
            />
            {outcome}
          </label>
        ))}
      </fieldset>
      <label class="search">
        Find{' '}
        <input
          type="search"
          value={filter.words}
          onInput={event => onChange({ ...filter, words: event.currentTarget.value })}
          placeholder="token"
        />
      </label>
    </div>
  )
}
