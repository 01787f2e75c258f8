import type { JSX } from 'preact'
import type { ShownMessage } from '../../../src/explorer/contract.js'
import type { UserCall } from '../../../src/visitor/contract.js'

/** Most messages that are shown. */
const most = 24

/** The messages of a call, one sentence each, as they arrive. */
export function CallMessages({
  call,
  others,
}: {
  readonly call: UserCall | null
  readonly others: readonly ShownMessage[]
}): JSX.Element {
  // The delegate of the operator's part may call meanwhile.
  const own = others.filter(
    ({ at, request }) =>
      call !== null && at >= call.began && at <= (call.until ?? at) && !request.target.includes('latest=1'),
  )
  const calls = own.filter(({ kind }) => kind !== 'discovery')
  const readings = own.length - calls.length
  return (
    <section class="visitor-messages" aria-label="The messages of the call">
      <h2>What is sent</h2>
      {own.length === 0 ? <p class="quiet">Each message shows up here when it is sent.</p> : null}
      <ol>
        {calls.slice(-most).map(({ id, from, sentence, response }) => (
          <li key={id} data-from={from}>
            <span class={`visitor-status ${response.status < 400 ? 'right' : 'wrong'}`}>{response.status}</span>{' '}
            {sentence}
          </li>
        ))}
      </ol>
      {readings === 0 ? null : (
        <p class="quiet">
          And {readings} {readings === 1 ? 'reading' : 'readings'} of published metadata and keys.
        </p>
      )}
    </section>
  )
}
