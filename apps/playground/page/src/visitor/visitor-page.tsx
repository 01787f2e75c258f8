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
    View: UserPart,
    about: 'An agent wants to act in your name, and needs your consent.',
    steps: [
      'You let the agent call the calendar, or pay for a room.',
      'You get the page of the auth server, sign in there, and agree or refuse.',
      'You see the token that the agent got, and take back what you allowed.',
    ],
  },
  {
    path: 'operator',
    short: 'Operator',
    title: 'Be the operator',
    View: OperatorPart,
    about: 'A delegate reads the calendar every second, until you stop it.',
    steps: [
      'You start the delegate, and its calls are answered.',
      'You block it, or revoke it, by the commands of an operator.',
      'You watch its calls being refused, and let it in again.',
    ],
  },
  {
    path: 'agent',
    short: 'Own agent',
    title: 'Bring your own agent',
    View: AgentPart,
    about: 'A program of yours, or your MCP client, calls the APIs of this playground.',
    steps: [
      'You get a code that enrols one agent, once.',
      'You paste one line, a short program or a configuration.',
      'Your agent shows up here, with each of its calls.',
    ],
  },
] as const

/** Three ways to take part. */
export function VisitorPage({ store, state, rest }: ViewProps): JSX.Element {
  const visitor = useVisitor(store, state)
  const part = parts.find(({ path }) => path === rest[0])
  return (
    <div class="visitor">
      <h1>{part?.title ?? 'Take part'}</h1>
      {part === undefined ? null : <PartLinks current={part.path} />}
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

function PartLinks({ current }: { readonly current: string }): JSX.Element {
  return (
    <nav class="visitor-parts" aria-label="Ways to take part">
      {parts.map(({ path, short }) => (
        <Link key={path} to={`/you/${path}`} current={path === current}>
          {short}
        </Link>
      ))}
    </nav>
  )
}

function Overview(): JSX.Element {
  return (
    <>
      <p class="lead">
        Nothing here is played back. What you do changes the running servers, and you see what follows.
      </p>
      <ul class="visitor-overview">
        {parts.map(({ path, title, about, steps }) => (
          <li key={path} class="card">
            <h2>
              <Link to={`/you/${path}`}>{title}</Link>
            </h2>
            <p>{about}</p>
            <ol>
              {steps.map(step => (
                <li key={step}>{step}</li>
              ))}
            </ol>
          </li>
        ))}
      </ul>
    </>
  )
}
