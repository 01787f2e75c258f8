import type { JSX } from 'preact'
import type { TokenFacts } from '../../../src/visitor/contract.js'
import type { State } from '../store.js'
import { clock } from './api.js'
import { nameAt } from './part-props.js'

/** The claims of an auth token, in words. */
export function TokenWords({ token, state }: { readonly token: TokenFacts; readonly state: State }): JSX.Element {
  const { issuer, audience, agent, delegate, user, scope, issued, expires } = token
  const rows: ReadonlyArray<readonly [claim: string, words: string, value: string | undefined]> = [
    ['iss', `${nameAt(state, issuer)} has issued it`, issuer],
    ['aud', `Only ${nameAt(state, audience ?? '')} takes it`, audience],
    ['agent', 'The agent that may use it', agent],
    ['agent_delegate', 'and which of its delegates', delegate],
    ['sub', 'You, under a name that tells nobody who you are', user],
    ['scope', 'What you have allowed', scope],
    ['exp', `It ends after ${expires - issued} seconds; the agent gets the next one by itself`, clock(expires)],
    ['cnf', 'The key it is bound to: without it the token is worth nothing', 'a public key of the agent'],
  ]
  return (
    <section class="card visitor-got" aria-label="The auth token">
      <h2>What the agent has got: an auth token</h2>
      <table class="visitor-token">
        <caption class="sr-only">The claims of the auth token</caption>
        <tbody>
          {rows.map(([claim, words, value]) =>
            value === undefined ? null : (
              <tr key={claim}>
                <th scope="row">
                  <code>{claim}</code>
                </th>
                <td>
                  {words}
                  <span class="visitor-value">{value}</span>
                </td>
              </tr>
            ),
          )}
        </tbody>
      </table>
    </section>
  )
}
