import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Invited } from '../../../src/visitor/contract.js'
import { Link } from '../router.js'
import type { State } from '../store.js'
import { clock, post } from './api.js'
import type { OperatorProps } from './operator-props.js'
import { nameAt, urlOf } from './part-props.js'

/** The delegates of the playground's agent, each with what an operator can do to it. */
export function Delegates({ visitor: { operator }, action, act }: OperatorProps): JSX.Element {
  const isBusy = action.isBusy || operator.isBusy
  return (
    <section class="card" aria-label="Delegates">
      <h2>Delegates of the agent</h2>
      <Invite isBusy={isBusy} action={action} />
      {operator.delegates.length === 0 ? <p class="quiet">None has enrolled yet.</p> : null}
      <ul class="visitor-list">
        {operator.delegates.slice(0, 8).map(({ sub, last_seen, revoked }) => {
          const isBlocked = operator.blocks.some(({ delegate }) => delegate === sub)
          return (
            <li key={sub}>
              <code>{sub}</code>
              <span class="quiet">
                {revoked === undefined ? `seen ${clock(last_seen)}` : 'revoked'}
                {isBlocked ? ', blocked' : ''}
              </span>
              <button
                type="button"
                disabled={isBusy}
                onClick={() => act(isBlocked ? 'unblock-delegate' : 'block-delegate', sub)}
              >
                {isBlocked ? 'Unblock' : 'Block'} <span class="sr-only">{sub}</span>
              </button>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function Invite({
  isBusy,
  action,
}: {
  readonly isBusy: boolean
  readonly action: OperatorProps['action']
}): JSX.Element {
  const [made, setMade] = useState('')
  const make = async (): Promise<void> => setMade((await post<Invited>('invitations', { label: 'Guest' })).delegate)
  return (
    <p>
      <button type="button" disabled={isBusy} onClick={() => action.run(make)}>
        Invite a delegate
      </button>{' '}
      {made === '' ? (
        <span class="quiet">makes a code that enrols one, once</span>
      ) : (
        <span role="status">
          <code>{made}</code> may enrol. <Link to="/you/agent">Bring your own agent</Link> gives you the code to use.
        </span>
      )}
    </p>
  )
}

/** The grants of the auth server, and what is blocked. */
export function Grants({
  visitor: { operator },
  action,
  act,
  state,
}: OperatorProps & { readonly state: State }): JSX.Element {
  const isBusy = action.isBusy || operator.isBusy
  const agent = urlOf(state, 'agent-server')
  const isBlocked = operator.blocks.some(block => block.agent === agent && block.delegate === undefined)
  return (
    <section class="card" aria-label="Grants">
      <h2>Grants at the auth server</h2>
      <p>
        <button type="button" disabled={isBusy} onClick={() => act(isBlocked ? 'unblock-agent' : 'block-agent', agent)}>
          {isBlocked ? 'Unblock' : 'Block'} the whole agent
        </button>{' '}
        <span class={isBlocked ? 'wrong' : 'quiet'}>
          {isBlocked
            ? 'Every delegate is refused, also those of the stories. It is lifted after two minutes.'
            : 'stops all its delegates, for two minutes at most'}
        </span>
      </p>
      {operator.grants.length === 0 ? <p class="quiet">There is none.</p> : null}
      <ul class="visitor-list">
        {operator.grants.slice(0, 8).map(({ grant, agent: holder, delegate, resource, scope, user }) => (
          <li key={grant}>
            <code>{delegate ?? nameAt(state, holder)}</code>
            <span class="quiet">
              {scope.join(' ')} at {nameAt(state, resource)}, {user === undefined ? 'by policy' : 'by a user'}
            </span>
            <button type="button" disabled={isBusy} onClick={() => act('revoke-grant', grant)}>
              Revoke <span class="sr-only">the grant of {delegate ?? holder}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
