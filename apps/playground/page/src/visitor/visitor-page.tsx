import type { JSX } from 'preact'
import type { ViewProps } from '../app.js'
import { Link } from '../router.js'
import { AgentPart } from './agent-part.js'
import { useVisitor } from './api.js'
import { OperatorPart } from './operator-part.js'
import { UserPart } from './user-part.js'
import './visitor.css'

const parts = [
  {
    path: 'user',
    short: 'User',
    title: 'Be the user',
    about: 'An agent needs your consent. You get the real page of the auth server, and agree or refuse.',
    View: UserPart,
  },
  {
    path: 'operator',
    short: 'Operator',
    title: 'Be the operator',
    about: 'A delegate calls an API every second. Block it or revoke it, and watch its access stop.',
    View: OperatorPart,
  },
  {
    path: 'agent',
    short: 'Own agent',
    title: 'Bring your own agent',
    about: 'One line, a few lines of TypeScript, or a configuration for an MCP client. It shows up here when it calls.',
    View: AgentPart,
  },
] as const

/** Three ways to take part. */
export function VisitorPage({ store, state, rest }: ViewProps): JSX.Element {
  const visitor = useVisitor(store, state)
  const part = parts.find(({ path }) => path === rest[0])
  return (
    <div class="visitor">
      <h1>{part?.title ?? 'Take part'}</h1>
      <nav class="visitor-parts" aria-label="Ways to take part">
        {parts.map(({ path, short }) => (
          <Link key={path} to={`/you/${path}`} current={path === part?.path}>
            {short}
          </Link>
        ))}
      </nav>
      {part === undefined ? (
        <Overview />
      ) : visitor === undefined ? (
        <p class="quiet" role="status">
          Loading …
        </p>
      ) : (
        <part.View store={store} state={state} visitor={visitor} />
      )}
    </div>
  )
}

function Overview(): JSX.Element {
  return (
    <>
      <p class="lead">
        Nothing here is played back. What you do changes the running servers, and you see what follows.
      </p>
      <ul class="visitor-overview">
        {parts.map(({ path, title, about }) => (
          <li key={path} class="card">
            <h2>
              <Link to={`/you/${path}`}>{title}</Link>
            </h2>
            <p>{about}</p>
          </li>
        ))}
      </ul>
    </>
  )
}
