import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { AttackResult, ListedAttack } from '../../../src/attacks/contract.js'
import { go } from '../router.js'
import { Clause, Reason, Twins } from './twins.js'
import { VerdictMark } from './verdict.js'

interface RowProps {
  readonly attack: ListedAttack
  readonly result: AttackResult | undefined
  readonly isOpen: boolean
  readonly isRunning: boolean
  /** Makes this attack alone; undefined while another one runs. */
  readonly onMake: (() => void) | undefined
}

/** An attack on the scoreboard; it opens to the attacked request and its twin. */
export function Row({ attack, result, isOpen, isRunning, onMake }: RowProps): JSX.Element {
  const { name, title, tries } = attack
  const row = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (isOpen) row.current?.scrollIntoView({ block: 'nearest' })
  }, [isOpen])
  const toggle = (): void => go(isOpen ? '/break' : `/break/${name}`, { replace: isOpen })
  return (
    <li class={isOpen ? 'row open' : 'row'} ref={row} data-attack={name} data-verdict={result?.verdict}>
      <div class="head">
        <h3>
          <button type="button" class="toggle" aria-expanded={isOpen} aria-controls={`attack-${name}`} onClick={toggle}>
            <span class="arrow" aria-hidden="true" />
            {title}
          </button>
        </h3>
        <p class="tries">{tries}</p>
        <p class="outcome">
          {isRunning ? (
            <span class="quiet">attacking …</span>
          ) : result === undefined ? (
            <span class="quiet">not made yet</span>
          ) : (
            <VerdictMark verdict={result.verdict} />
          )}
        </p>
        <div class="reason">
          {result?.refusal === undefined ? null : <p class="check">{result.refusal.check}</p>}
          <p class="names">
            {result?.refusal === undefined ? null : <Reason refusal={result.refusal} />} <Clause attack={attack} />
          </p>
        </div>
        <p class="took">{result === undefined ? '' : timeOf(result.took)}</p>
      </div>
      <div id={`attack-${name}`} class="body" hidden={!isOpen}>
        {isOpen ? (
          <>
            {result === undefined ? <p class="quiet">It has not been made yet.</p> : <Twins result={result} />}
            <button type="button" disabled={onMake === undefined} onClick={onMake}>
              {result === undefined ? 'Make this attack' : 'Make it again'}
            </button>
          </>
        ) : null}
      </div>
    </li>
  )
}

const timeOf = (milliseconds: number): string =>
  milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`
