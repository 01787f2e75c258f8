import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { OfferedAttack } from '../../../src/attacks/contract.js'
import type { ShownMessage } from '../../../src/explorer/contract.js'
import './break.css'
import { attackKinds } from './kinds.js'
import { Twins } from './twins.js'
import { type MessageAttacks, useAttacks } from './use-attacks.js'
import { VerdictMark } from './verdict.js'

/** Attacks on a message: a button for each that can be made, and what came of the last one. */
export function BreakIt({ message }: { readonly message: ShownMessage }): JSX.Element {
  const attacks = useAttacks(message.id)
  const { offered = [] } = attacks
  const can = offered.filter(({ why }) => why === undefined)
  const others = offered.filter(({ why }) => why !== undefined)
  return (
    <section class="break-it" aria-label="Break it">
      <h3>Break it</h3>
      {can.length === 0 ? (
        <p class="quiet">{others[0]?.why}</p>
      ) : (
        <>
          <Offers can={can} attacks={attacks} />
          <Others others={others} />
        </>
      )}
      <Outcome attacks={attacks} />
    </section>
  )
}

interface OffersProps {
  readonly can: readonly OfferedAttack[]
  readonly attacks: MessageAttacks
}

function Offers({ can, attacks: { running, result, make } }: OffersProps): JSX.Element {
  const kinds = attackKinds.filter(({ kind }) => can.some(attack => attack.kind === kind))
  return (
    <>
      <p class="quiet">
        Each attack sends the message anew, which must pass, and then once more with a change, which must not.
      </p>
      {kinds.map(({ kind, title }) => (
        <div class="offered" key={kind}>
          <h4 id={`offers-${kind}`}>{title}</h4>
          <ul class="offers" aria-labelledby={`offers-${kind}`}>
            {can
              .filter(attack => attack.kind === kind)
              .map(attack => (
                <li key={attack.name}>
                  <button
                    type="button"
                    title={attack.tries}
                    disabled={running !== undefined}
                    aria-pressed={result?.attack === attack.name}
                    onClick={() => void make(attack)}
                  >
                    {running === attack.name ? `${attack.title} …` : attack.title}
                  </button>
                </li>
              ))}
          </ul>
        </div>
      ))}
    </>
  )
}

function Outcome({ attacks: { running, result, fault } }: { readonly attacks: MessageAttacks }): JSX.Element {
  const card = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // On a phone the buttons fill the screen.
    card.current?.scrollIntoView({ block: 'nearest' })
  }, [result])
  return (
    <div aria-live="polite">
      {running === undefined ? null : <p class="quiet">Attacking …</p>}
      {fault === '' ? null : <p class="wrong">{fault}</p>}
      {result === undefined || running !== undefined ? null : (
        <div class="card result" ref={card}>
          <h4>
            <VerdictMark verdict={result.verdict} /> {result.title}
          </h4>
          <p>{result.tries}</p>
          <Twins result={result} />
        </div>
      )}
    </div>
  )
}

function Others({ others }: { readonly others: readonly OfferedAttack[] }): JSX.Element | null {
  if (others.length === 0) return null
  return (
    <details>
      <summary>{others.length} attacks make no sense on this message</summary>
      <ul>
        {others.map(({ name, title, why }) => (
          <li key={name}>
            {title}: <span class="quiet">{why}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}
