import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { AttackResult, OfferedAttack } from '../../../src/attacks/contract.js'
import type { ShownMessage } from '../../../src/explorer/contract.js'
import { json } from '../store.js'
import './break.css'
import { Twins } from './twins.js'
import { VerdictMark } from './verdict.js'

/** Attacks on a message: a button for each that can be made, and what came of the last one. */
export function BreakIt({ message }: { readonly message: ShownMessage }): JSX.Element {
  const { id } = message
  const [offered, setOffered] = useState<readonly OfferedAttack[]>()
  const [running, setRunning] = useState<string>()
  const [result, setResult] = useState<AttackResult>()
  const [fault, setFault] = useState('')
  useEffect(() => {
    setOffered(undefined)
    setResult(undefined)
    setFault('')
    let isCurrent = true
    json<readonly OfferedAttack[]>(`/api/attacks?message=${id}`).then(
      found => isCurrent && setOffered(found),
      error => isCurrent && setFault(String(error.message)),
    )
    return () => {
      isCurrent = false
    }
  }, [id])
  const make = async ({ name }: OfferedAttack): Promise<void> => {
    setRunning(name)
    setFault('')
    try {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
      setResult(await json<AttackResult>(`/api/attacks/${name}`, { ...init, body: JSON.stringify({ message: id }) }))
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error))
    } finally {
      setRunning(undefined)
    }
  }
  const can = offered?.filter(({ why }) => why === undefined) ?? []
  const others = offered?.filter(({ why }) => why !== undefined) ?? []
  const [first] = others
  return (
    <section class="break-it" aria-label="Break it">
      <h3>Break it</h3>
      {offered !== undefined && can.length === 0 ? <p class="quiet">{first?.why}</p> : null}
      {can.length > 0 ? (
        <>
          <p class="quiet">
            Each attack sends the message anew, which must pass, and then once more with a change, which must not.
          </p>
          <ul class="offers">
            {can.map(attack => (
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
          <Others others={others} />
        </>
      ) : null}
      <div aria-live="polite">
        {running === undefined ? null : <p class="quiet">Attacking …</p>}
        {fault === '' ? null : <p class="wrong">{fault}</p>}
        {result === undefined || running !== undefined ? null : (
          <div class="card result">
            <h4>
              <VerdictMark verdict={result.verdict} /> {result.title}
            </h4>
            <p>{result.tries}</p>
            <Twins result={result} />
          </div>
        )}
      </div>
    </section>
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
